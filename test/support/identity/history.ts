import { Acquaintance } from './acquaintance.js';
import type { Decided, Decision } from './decisions.js';
import { NaiveIdentity, type NaiveIdentifier } from './naive-identity.js';
import { identifiersOf, NOW, PRODUCERS, type Step } from './steps.js';

/** What happens in one small place, told to the model and to the ledger: what the one calls by an id has a number in the other. */
export class History {
  readonly model = new NaiveIdentity();
  readonly identifiers: readonly NaiveIdentifier[];
  readonly met: Acquaintance;

  constructor(run: string) {
    this.identifiers = identifiersOf(run);
    this.met = new Acquaintance(this.model, this.identifiers);
  }

  /** The people of a step's events, with their identifiers. */
  named({ people }: Step & { kind: 'events' }): {
    readonly identifiers: NaiveIdentifier[];
    readonly at: number;
    readonly by: number;
  }[] {
    return people.map(({ identifiers, at, by }) => ({
      identifiers: identifiers.map(({ which, verified }) => ({ ...this.identifiers[which]!, verified })),
      at,
      by,
    }));
  }

  /** Has both decide, and expects of the ledger what the model says. */
  async decide(step: Exclude<Step, { kind: 'events' }>, tell: (decision: Decision) => Promise<Decided>): Promise<void> {
    const { model, met } = this;
    switch (step.kind) {
      case 'release': {
        const { at, by } = step;
        const identifier = this.identifiers[step.which]!;
        const expected = model.release(identifier, at, PRODUCERS[by]!);
        const done = await tell({ do: 'release', identifier, at, by });
        if (expected === null) expect(done).toMatchObject({ refused: 'release' });
        else {
          expect(done).toMatchObject({ ended: expected.ended });
          met.meetSubject(expected.subject, (done as { subjectId: string }).subjectId);
        }
        return;
      }
      case 'releaseFor': {
        const subject = this.someone(step.subject);
        if (subject === null) return;
        const identifier = this.identifiers[step.which]!;
        const expected = model.releaseFor(subject, identifier, step.at);
        const done = await tell({ do: 'releaseFor', subjectId: met.id(subject), identifier, at: step.at });
        if (expected === 'already') expect(done).toHaveProperty('refused');
        else expect(done).toMatchObject({ subjectId: expected === 'nobody' ? null : met.id(expected) });
        return;
      }
      case 'link': {
        const subjects = [...new Set(step.subjects.flatMap((subject) => this.someone(subject) ?? []))];
        if (subjects.length < 2) return;
        const { override } = step;
        const expected = model.link(subjects, override, NOW);
        const done = await tell({ do: 'link', subjectIds: met.ids(subjects), override });
        expect('refused' in done ? done.refused : 'done').toBe(expected);
        return;
      }
      case 'separate': {
        const one = this.someone(step.subjects[0]);
        if (one === null) return;
        const near = model.person(one);
        const other = step.linked ? near[step.subjects[1] % near.length]! : this.someone(step.subjects[1])!;
        if (one === other) return;
        const expected = model.separate(one, other);
        const done = await tell({ do: 'separate', subjectIds: met.ids([one, other]) as [string, string] });
        const { refused, between } = 'refused' in done ? done : { refused: 'done', between: 0 };
        expect([refused, between]).toEqual([expected.code, expected.between]);
        return;
      }
    }
  }

  private someone(subject: number): number | null {
    return this.model.subjects === 0 ? null : subject % this.model.subjects;
  }
}

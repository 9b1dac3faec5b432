import type { Vault } from '@sijill/vault';
import type { NaiveIdentifier, NaiveIdentity } from './naive-identity.js';
import { readChains, type ChainEntry } from './read-chains.js';
import { MOMENTS } from './steps.js';

/** What the model calls by a number and the ledger by an id, as they are met; and whether the two then say the same of everybody. */
export class Acquaintance {
  private readonly idOf = new Map<number, string>();
  private readonly caseIdOf = new Map<number, string>();

  constructor(
    private readonly model: NaiveIdentity,
    private readonly identifiers: readonly NaiveIdentifier[],
  ) {}

  meetSubject(subject: number, id: string): void {
    meet(this.idOf, subject, id);
  }

  meetCase(place: number, id: string): void {
    meet(this.caseIdOf, place, id);
  }

  has(subject: number): boolean {
    return this.idOf.has(subject);
  }

  id(subject: number): string {
    const id = this.idOf.get(subject);
    if (id === undefined) throw new Error(`the model's subject ${subject} was met nowhere`);
    return id;
  }

  ids(subjects: readonly number[]): string[] {
    return subjects.map((subject) => this.id(subject));
  }

  /** Meets the subjects that these identifiers lead to: some are made beside the one that an entry is of. */
  async meetThrough({ directory }: Pick<Vault, 'directory'>, named: readonly Named[]): Promise<void> {
    for (const { identifiers, at } of named)
      for (const identifier of identifiers) {
        const led = this.model.leadsTo(identifier, at);
        if (led === null || this.has(led.subject)) continue;
        this.meetSubject(led.subject, (await directory.lookUp(identifier, at))!.subjectId);
      }
  }

  /**
   * Everything that anybody can ask, of the model, of the vault, and of a reader of the store who has no vault.
   *
   * @param entries what the vault has told the store, in its order
   */
  async compare({ directory }: Pick<Vault, 'directory'>, entries: readonly ChainEntry[]): Promise<void> {
    const chains = readChains(entries);
    const listed = await this.conflicts({ directory });
    expect(listed).toHaveLength(this.model.cases.length);
    this.model.cases.forEach((pair, place) => {
      const ids = this.ids(pair).sort();
      const found = listed.find(({ subjectIds }) => subjectIds.join() === ids.join());
      expect(found?.status).toBe(this.model.status(pair));
      this.meetCase(place, found!.conflictId);
    });
    for (let subject = 0; subject < this.model.subjects; subject++) {
      const id = this.id(subject);
      const person = this.ids(this.model.person(subject)).sort();
      const openConflicts = this.model.openConflicts(subject);
      expect(await directory.person(id)).toEqual({ linked: person.filter((other) => other !== id), openConflicts });
      expect(chains.person(id)).toEqual(person);
      expect(chains.openCases(id)).toHaveLength(openConflicts);
    }
    for (const identifier of this.identifiers)
      for (const at of MOMENTS) {
        const expected = this.model.leadsTo(identifier, at);
        const found = await directory.lookUp(identifier, at);
        expect(found?.subjectId ?? null).toBe(expected === null ? null : this.id(expected.subject));
        if (expected !== null)
          expect(found!.until).toBe(Number.isFinite(expected.until) ? new Date(expected.until).toISOString() : null);
      }
  }

  /** Those between subjects that were met here. */
  private async conflicts({ directory }: Pick<Vault, 'directory'>) {
    const ids = new Set(this.idOf.values());
    const found = [];
    for (let before: number | null = Number.MAX_SAFE_INTEGER; before !== null;) {
      const page = await directory.conflicts({ limit: 50, before });
      found.push(...page.items.filter(({ subjectIds }) => ids.has(subjectIds[0])));
      before = page.next;
    }
    return found;
  }
}

interface Named {
  readonly identifiers: readonly NaiveIdentifier[];
  readonly at: number;
}

/** What the one calls this number and the other by this id is one thing, and no other. */
function meet(ids: Map<number, string>, number: number, id: string): void {
  const known = ids.get(number);
  if (known === undefined) {
    expect([...ids.values()]).not.toContain(id);
    ids.set(number, id);
  } else expect(id).toBe(known);
}

import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import fc from 'fast-check';
import { sql } from 'kysely';
import { Access, LimitReached, type Reader } from '@sijill/access';
import {
  CONFIRMATION_ASKED,
  CONFIRMATION_DECLINED,
  CONFIRMATION_GIVEN,
  ConfirmationRefused,
  type AnswerKind,
  type Confirmation,
} from '@sijill/cases';
import type { NewEntry } from '@sijill/event-store';
import type { SqlTarget } from '@sijill/platform';
import { createKeyring, unseal } from '@sijill/vault';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';
import { officer, openDesk, revoke, somebody, type Desk, type Places } from '../support/two-people/desk.js';

const NOON = Date.parse('2026-07-01T12:00:00.000Z');
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const RUNS = FULL_RUN ? 300 : 8;

/** A time that goes on only when it is told to. */
class Hands {
  at = NOON;
  now = (): number => this.at;
  forward(ms: number): void {
    this.at += ms;
  }
}

const codeOf = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work;
    return 'done';
  } catch (error) {
    if (error instanceof ConfirmationRefused) return error.code;
    throw error;
  }
};

function describeTwoPeople(freshTarget: () => Promise<SqlTarget>): void {
  let clock: Hands;
  let places: Places;
  let desks: Desk[];
  const open = async (...more: Parameters<typeof openDesk> extends [unknown, unknown, ...infer R] ? R : never) => {
    const desk = await openDesk(places, clock, ...more);
    desks.push(desk);
    return desk;
  };
  beforeEach(async () => {
    clock = new Hands();
    desks = [];
    const keyring = join(freshDataDir('two-people'), 'keyring.json');
    createKeyring(keyring, '2026-07-01T00:00:00.000Z');
    places = { vault: await freshTarget(), access: await freshTarget(), keyring };
  });
  afterEach(async () => {
    for (const desk of desks) await desk.close();
  });
  const toldBy = async ({ vault }: Desk): Promise<NewEntry[]> =>
    (await vault.outbox.pending(0, 10_000)).map(({ entry }) => JSON.parse(entry) as NewEntry);
  const askFor = (desk: Desk, reader: Reader, reason = 'a ticket'): Promise<Confirmation> =>
    desk.confirmations.ask({ what: 'unseal', about: { subjectIds: [], entryId: randomUUID() }, reason, reader });
  const answer = (desk: Desk, { confirmationId }: Confirmation, kind: AnswerKind, reader: Reader) =>
    desk.confirmations.answer(confirmationId, kind, { reason: 'looked at', reader });

  describe('a confirmation', () => {
    it('is asked, given by somebody else, and its result taken once; each step is an entry, with what was said sealed', async () => {
      const [one, other] = [await open(), await open()];
      const [huda, noura] = [await officer(one, 'Huda'), await officer(one, 'Noura')];
      const subjectId = await somebody(one, 'a@example.com', NOON);
      const entryId = randomUUID();
      const asked = await one.confirmations.ask({
        what: 'unseal',
        about: { subjectIds: [subjectId], entryId },
        reason: 'ticket 2201',
        reader: huda,
      });
      const { confirmationId } = asked;
      expect(one.confirmations.view(asked)).toEqual({
        confirmationId,
        what: 'unseal',
        about: { subjectIds: [subjectId], entryId, holdId: null, erasureId: null, policy: null },
        askedBy: huda.principal,
        askedAt: '2026-07-01T12:00:00.000Z',
        expiresAt: '2026-07-08T12:00:00.000Z',
        confirmedBy: null,
        status: 'open',
        answeredAt: null,
        outcome: null,
      });
      expect(await other.confirmations.known(confirmationId)).toEqual(asked);
      expect(await other.confirmations.reasonOf(await other.confirmations.known(confirmationId))).toBe('ticket 2201');
      clock.forward(HOUR);
      const given = await answer(other, asked, 'given', noura);
      expect(other.confirmations.view(given)).toMatchObject({
        status: 'confirmed',
        confirmedBy: noura.principal,
        answeredAt: '2026-07-01T13:00:00.000Z',
      });
      await one.confirmations.takeResult(confirmationId, huda.principal);
      expect(await codeOf(other.confirmations.takeResult(confirmationId, huda.principal))).toBe('fetched');

      const entries = await toldBy(one);
      expect(entries).toMatchObject([
        {
          type: CONFIRMATION_ASKED,
          data: {
            confirmation: confirmationId,
            what: 'unseal',
            subjectId,
            about: { entryId },
            has: ['actor', 'reason'],
          },
          metadata: { principal: huda.principal, keys: { case: `case/${confirmationId}`, staff: 'staff/2026' } },
        },
        {
          type: CONFIRMATION_GIVEN,
          data: { confirmation: confirmationId, what: 'unseal', has: ['actor', 'reason'] },
          metadata: { principal: noura.principal, recordedAt: '2026-07-01T13:00:00.000Z' },
        },
      ]);
      const secret = (await one.vault.secrets.byId(`case/${confirmationId}`))!;
      const said = entries.map(({ id, sealed }) => unseal(secret, `${id}/case`, sealed!['case']!).toString());
      expect(said).toEqual(['{"fields":{"reason":"ticket 2201"}}', '{"fields":{"reason":"looked at"}}']);
      expect(JSON.stringify(entries)).not.toMatch(/Huda|Noura|2201|looked at/);
    });

    it('is never given by whoever asked: by no key of the same name, on no server, whatever else it may do', async () => {
      const [one, other] = [await open(), await open()];
      const first = await officer(one, 'Huda');
      const second = await officer(other, 'Huda');
      const renamed = { ...second, name: 'Somebody Else', keyId: 'k000000000000' };
      const asked = await askFor(one, first);
      for (const desk of [one, other])
        for (const reader of [first, second, renamed])
          expect(await codeOf(answer(desk, asked, 'given', reader))).toBe('own_request');
      expect((await one.confirmations.known(asked.confirmationId)).answer).toBeNull();
      expect(await toldBy(one)).toHaveLength(1);
      // One may take it back; then it is answered for everybody.
      await answer(other, asked, 'declined', second);
      expect(await codeOf(answer(one, asked, 'given', await officer(one, 'Noura')))).toBe('answered');
    });

    it('is not given where whoever asked may not ask any more, and is while another key of theirs may', async () => {
      const desk = await open();
      const [first, second] = [await officer(desk, 'Huda'), await officer(desk, 'Huda')];
      const noura = await officer(desk, 'Noura');
      const [one, other] = [await askFor(desk, first), await askFor(desk, first)];
      await revoke(desk, first.keyId);
      expect(await codeOf(answer(desk, one, 'given', noura))).toBe('done');
      await revoke(desk, second.keyId);
      expect(await codeOf(answer(desk, other, 'given', noura))).toBe('asker_gone');
      // A key that may do something else is none.
      await desk.access.keys.create({ name: 'Huda', roles: ['admin'] }, { name: 'x', principal: 'x' });
      const expiring = { name: 'Huda', roles: ['officer'], expiresAt: new Date(clock.now() + HOUR).toISOString() };
      expect(await codeOf(answer(desk, other, 'given', noura))).toBe('asker_gone');
      await desk.access.keys.create(expiring, { name: 'x', principal: 'x' });
      clock.forward(HOUR);
      expect(await codeOf(answer(desk, other, 'given', noura))).toBe('asker_gone');
      expect(await codeOf(answer(desk, other, 'declined', noura))).toBe('done');
    });

    it('is for the command line of a machine in development only', async () => {
      const desk = await open();
      const machine: Reader = { keyId: null, name: 'command line', principal: 'command-line', roles: ['officer'] };
      const asked = await askFor(desk, machine);
      const noura = await officer(desk, 'Noura');
      expect(await codeOf(answer(desk, asked, 'given', noura))).toBe('asker_gone');
      const trying = await open({ dualControl: ['unseal'], nodeId: 'node-1', mode: 'development' });
      expect(await codeOf(answer(trying, asked, 'given', noura))).toBe('done');
    });

    it('is listed page by page, the newest first, and by what has become of it', async () => {
      const desk = await open();
      const [huda, noura] = [await officer(desk, 'Huda'), await officer(desk, 'Noura')];
      const all = [];
      for (let i = 0; i < 5; i++) all.push((await askFor(desk, huda)).confirmationId);
      const [expired, given, declined, opened, newest] = all as [string, string, string, string, string];
      const known = (id: string): Promise<Confirmation> => desk.confirmations.known(id);
      clock.forward(7 * DAY - 1);
      await answer(desk, await known(given), 'given', noura);
      await answer(desk, await known(declined), 'declined', noura);
      const idsOf = async (page: object): Promise<string[]> =>
        (await desk.confirmations.list({ limit: 10, ...page })).items.map(({ confirmationId }) => confirmationId);
      expect(await idsOf({ status: 'open' })).toEqual([newest, opened, expired]);
      clock.forward(1);
      expect(await idsOf({ status: 'open' })).toEqual([]);
      expect(await idsOf({ status: 'expired' })).toEqual([newest, opened, expired]);
      expect(await idsOf({ status: 'confirmed' })).toEqual([given]);
      expect(await idsOf({ status: 'declined' })).toEqual([declined]);
      const first = await desk.confirmations.list({ limit: 3 });
      expect(first.items.map(({ confirmationId }) => confirmationId)).toEqual([newest, opened, declined]);
      const rest = await desk.confirmations.list({ limit: 3, before: first.next! });
      expect(rest.items.map(({ confirmationId }) => confirmationId)).toEqual([given, expired]);
      expect(rest.next).toBeNull();
    });

    it('carries a separation out as things stand when it is given, and says what came of it', async () => {
      const [one, other] = [await open(), await open()];
      const [huda, noura] = [await officer(one, 'Huda'), await officer(one, 'Noura')];
      const [a, b, c] = await Promise.all(['a', 'b', 'c'].map((name) => somebody(one, `${name}@example.com`, NOON)));
      const link = (...ids: string[]): Promise<unknown> =>
        one.vault.directory.link(ids, { override: true, reason: 'x', principal: 'p' });
      const separation = async (pair: [string, string]): Promise<Confirmation> =>
        (await one.separating.separate(pair, { reason: 'two people', reader: huda })) as Confirmation;
      await link(a!, b!);
      const [first, second] = [await separation([a!, b!]), await separation([a!, b!])];
      expect((await one.vault.directory.person(a!))!.linked).toEqual([b]);
      const done = await answer(other, first, 'given', noura);
      expect(done.answer!.outcome).toEqual({ done: true, entryIds: [expect.any(String), expect.any(String)] });
      expect((await other.vault.directory.person(a!))!.linked).toEqual([]);
      // Its entries are by whoever asked, for the reason given then, and say which confirmation they come from.
      const told = (await toldBy(one)).filter(({ type }) => type === 'sijill.subjects.separated.v1');
      expect(told).toMatchObject(
        [a, b].sort().map((subjectId) => ({
          data: { subjectId, separation: first.confirmationId },
          metadata: { principal: huda.principal },
        })),
      );
      const [asked] = await toldBy(one).then((all) => all.filter(({ type }) => type === CONFIRMATION_ASKED));
      // No entry lays two people side by side in the open.
      for (const entry of await toldBy(one))
        expect([a, b].filter((id) => JSON.stringify(entry.data).includes(id!)).length).toBeLessThan(2);
      expect(asked!.data['has']).toEqual(['actor', 'reason', 'subjectIds']);

      expect((await answer(one, second, 'given', noura)).answer!.outcome).toEqual({
        done: false,
        code: 'already',
        through: [],
      });
      const third = await separation([b!, c!]);
      await link(a!, b!);
      await link(a!, c!);
      expect((await answer(one, third, 'given', noura)).answer!.outcome).toEqual({
        done: false,
        code: 'linked_through',
        through: [a],
      });
      expect((await toldBy(one)).at(-1)).toMatchObject({
        type: CONFIRMATION_GIVEN,
        data: { outcome: 'linked_through' },
      });
      const fourth = await separation([a!, c!]);
      await one.vault.changeCases(({ db }) =>
        // As an erasure leaves it.
        sql`delete from vault_key where subject_id = ${c}`.execute(db),
      );
      expect((await answer(one, fourth, 'given', noura)).answer!.outcome).toMatchObject({ code: 'erased_subject' });
      for (const { confirmationId } of [first, third])
        expect(await codeOf(one.confirmations.fetchable(confirmationId, huda.principal))).toBe('no_result');
    });

    it('is answered once by many at the same time on two servers', async () => {
      const two = [await open(), await open()];
      const huda = await officer(two[0]!, 'Huda');
      const others = await Promise.all(['a', 'b', 'c', 'd'].map((name) => officer(two[0]!, name)));
      for (let round = 0; round < 3; round++) {
        const asked = await askFor(two[0]!, huda);
        const outcomes = await Promise.all(
          others.map((reader, i) => codeOf(answer(two[i % 2]!, asked, i === 3 ? 'declined' : 'given', reader))),
        );
        expect(outcomes.toSorted()).toEqual(['answered', 'answered', 'answered', 'done']);
        if ((await two[1]!.confirmations.known(asked.confirmationId)).answer!.kind === 'declined') continue;
        const taken = await Promise.all(
          Array.from({ length: 6 }, (_, i) =>
            codeOf(two[i % 2]!.confirmations.takeResult(asked.confirmationId, huda.principal)),
          ),
        );
        expect(taken.filter((code) => code === 'done')).toHaveLength(1);
        expect(taken.filter((code) => code === 'fetched')).toHaveLength(5);
      }
      const answers = (await toldBy(two[0]!)).filter(({ type }) => type !== CONFIRMATION_ASKED);
      expect(answers).toHaveLength(3);
    });

    it(
      'is what a model of it is, on two servers, whoever dies where',
      async () => {
        const two = [await open(), await open()];
        const people = await Promise.all(['Huda', 'Noura', 'Salma'].map((name) => officer(two[0]!, name)));
        let run = 0;
        await fc.assert(
          fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (happening) => {
            const pair = [
              await somebody(two[0]!, `a-${run}@example.com`, NOON),
              await somebody(two[0]!, `b-${(run += 1)}@example.com`, NOON),
            ] as const;
            await new Run(two, people, pair, clock).all(happening);
          }),
          { numRuns: RUNS },
        );
      },
      60_000 + RUNS * 5_000,
    );
  });

  describe('what needs a second person', () => {
    const told = (nodeId: string, ...dualControl: ('unseal' | 'separation' | 'policy')[]) =>
      open({ nodeId, dualControl, mode: 'production' });

    it('is all that any server of the ledger was told, so that one that is told less is no way around', async () => {
      const strict = await told('strict', 'unseal', 'separation');
      expect(await strict.dualControl.declare(true)).toEqual(['unseal', 'separation']);
      const weak = await told('weak');
      expect(await weak.dualControl.declare(true)).toEqual(['unseal', 'separation']);
      expect(await weak.dualControl.covers('unseal')).toBe(true);
      const [huda, noura] = [await officer(weak, 'Huda'), await officer(weak, 'Noura')];
      const [a, b] = [await somebody(weak, 'a@example.com', NOON), await somebody(weak, 'b@example.com', NOON)];
      const asked = await weak.separating.separate([a, b], { reason: 'x', reader: huda });
      expect(asked).toMatchObject({ what: 'separation', askedBy: huda.principal });
      await answer(weak, asked as Confirmation, 'given', noura);
      // It is over when the one that was told more is told less.
      const restarted = await told('strict', 'policy');
      expect(await restarted.dualControl.declare(true)).toEqual(['policy']);
      expect(await weak.dualControl.inForce()).toEqual(['policy']);
      // And a process that was told more than all others asks for more, by itself.
      expect(await strict.dualControl.inForce()).toEqual(['unseal', 'separation', 'policy']);
    });

    it('is not made less by a second process under the name of one that runs', async () => {
      await (await told('node-1', 'unseal')).dualControl.declare(true);
      const second = await told('node-1');
      expect(await second.dualControl.declare(false)).toEqual(['unseal']);
      expect(await second.dualControl.declare(true)).toEqual([]);
    });
  });

  describe('what one principal may do so often', () => {
    const most = { unseal: 10, breakGlass: 2, lookup: 5 };
    const opened: Access[] = [];
    const server = async () => {
      const access = await Access.open(places.access, { mode: 'production', defaultRegion: 'SA' }, clock);
      opened.push(access);
      return access.limits(most);
    };
    afterEach(async () => {
      for (const access of opened.splice(0)) await access.close();
    });
    const taken = async (work: Promise<void>): Promise<number | null> => {
      try {
        await work;
        return 0;
      } catch (error) {
        if (error instanceof LimitReached) return error.retryAfter;
        throw error;
      }
    };

    it('cannot be raced past by many requests at once on two servers, and holds over a restart', async () => {
      const two = [await server(), await server()];
      const all = await Promise.all(Array.from({ length: 30 }, (_, i) => taken(two[i % 2]!.take('huda', 'unseal'))));
      expect(all.filter((wait) => wait === 0)).toHaveLength(10);
      expect(all.filter((wait) => wait === 3600)).toHaveLength(20);
      expect(await taken((await server()).take('huda', 'unseal'))).toBe(3600);
      // Others and other things are counted apart.
      expect(await taken(two[0]!.take('noura', 'unseal'))).toBe(0);
      expect(await taken(two[0]!.take('huda', 'lookup'))).toBe(0);
    });

    it('is over with its hour, or its day, one by one', async () => {
      const limits = await server();
      for (let i = 0; i < 5; i++) {
        expect(await taken(limits.take('huda', 'lookup'))).toBe(0);
        clock.forward(60_000);
      }
      expect(await taken(limits.take('huda', 'lookup'))).toBe(55 * 60);
      clock.forward(55 * 60_000 - 1);
      expect(await taken(limits.take('huda', 'lookup'))).toBe(1);
      clock.forward(1);
      expect(await taken(limits.take('huda', 'lookup'))).toBe(0);
      expect(await taken(limits.take('huda', 'lookup'))).toBe(60);
      for (const wait of [0, 0, DAY / 1000]) expect(await taken(limits.take('huda', 'breakGlass'))).toBe(wait);
      clock.forward(DAY);
      expect(await taken(limits.take('huda', 'breakGlass'))).toBe(0);
    });

    it('locks nobody out whose clock was set back, and nobody in where it is none', async () => {
      const limits = await server();
      clock.forward(40 * DAY);
      for (let i = 0; i < 5; i++) await limits.take('huda', 'lookup');
      clock.forward(-40 * DAY);
      expect(await taken(limits.take('huda', 'lookup'))).toBe(0);
      const [access] = opened;
      const none = access!.limits({ ...most, breakGlass: 0 });
      await expect(none.take('huda', 'breakGlass')).rejects.toThrow(/SIJILL_LIMIT_BREAK_GLASS is 0/);
      expect(await taken(none.take('huda', 'breakGlass'))).toBeNull();
    });
  });
}

const who = fc.nat({ max: 2 });
const which = fc.nat({ max: 5 });
const through = fc.nat({ max: 1 });
/** `before`: the process dies with everything written and nothing committed; `behind`: with everything done and nobody told. */
const dies = fc.constantFrom(null, null, null, 'before' as const, 'behind' as const);

type Step =
  | {
      readonly kind: 'ask';
      readonly who: number;
      readonly through: number;
      readonly dies: Death;
      readonly split: boolean;
    }
  | {
      readonly kind: 'answer';
      readonly answer: AnswerKind;
      readonly who: number;
      readonly which: number;
      readonly through: number;
      readonly dies: Death;
    }
  | {
      readonly kind: 'take';
      readonly who: number;
      readonly which: number;
      readonly through: number;
      readonly dies: Death;
    }
  | { readonly kind: 'wait'; readonly ms: number }
  | { readonly kind: 'link' };
type Death = 'before' | 'behind' | null;

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ask' as const), who, through, dies, split: fc.boolean() }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('answer' as const),
      answer: fc.constantFrom('given' as const, 'given' as const, 'declined' as const),
      ...{ who, which, through, dies },
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('take' as const), who, which, through, dies }) },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('wait' as const), ms: fc.constantFrom(HOUR, DAY, 3 * DAY, 7 * DAY) }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('link' as const) }) },
);

/** What a confirmation is, said once more and simply. */
interface Naive {
  readonly id: string;
  readonly by: number;
  readonly at: number;
  readonly split: boolean;
  answer: { kind: AnswerKind; by: number; at: number; outcome: string | null } | null;
  taken: boolean;
}

class Dead extends Error {}

/** Steps on two servers, and on the model. */
class Run {
  private readonly asked: Naive[] = [];
  /** Whether the two are kept apart. */
  private apart = false;

  constructor(
    private readonly two: readonly Desk[],
    private readonly people: readonly Reader[],
    private readonly pair: readonly [string, string],
    private readonly clock: Hands,
  ) {}

  async all(steps: readonly Step[]): Promise<void> {
    for (const each of steps) {
      await this.take(each);
      for (const naive of this.asked) await this.compare(naive);
    }
    await this.compareEntries();
  }

  private async take(step: Step): Promise<void> {
    if (step.kind === 'wait') return this.clock.forward(step.ms);
    if (step.kind === 'link') {
      await this.two[0]!.vault.directory.link([...this.pair], { override: true, reason: 'x', principal: 'p' }).catch(
        () => undefined,
      );
      this.apart = false;
      return;
    }
    const desk = this.two[step.through]!;
    const reader = this.people[step.who]!;
    if (step.kind === 'ask') {
      const known = new Set(await this.ids());
      const about = step.split ? { subjectIds: this.pair } : { subjectIds: [], entryId: randomUUID() };
      const what = step.split ? 'separation' : 'unseal';
      const outcome = await dying(desk, step.dies, () => desk.confirmations.ask({ what, about, reason: 'r', reader }));
      expect(outcome).toBe('done');
      // Whoever was not told finds it in the list, or does not.
      const made = (await this.ids()).filter((id) => !known.has(id));
      expect(made).toHaveLength(step.dies === 'before' ? 0 : 1);
      for (const id of made)
        this.asked.push({ id, by: step.who, at: this.clock.now(), split: step.split, answer: null, taken: false });
      return;
    }
    const naive = this.asked[step.which % Math.max(1, this.asked.length)];
    if (naive === undefined) return;
    if (step.kind === 'take') {
      const expected = this.refusedTaking(naive, step.who);
      const work = async (): Promise<void> => {
        await desk.confirmations.fetchable(naive.id, reader.principal);
        await desk.confirmations.takeResult(naive.id, reader.principal);
      };
      expect(await dying(desk, expected === null ? step.dies : null, work)).toBe(expected ?? 'done');
      if (expected === null && step.dies !== 'before') naive.taken = true;
      return;
    }
    const expected = this.refusedAnswering(naive, step);
    const work = (): Promise<unknown> => desk.confirmations.answer(naive.id, step.answer, { reason: 'r', reader });
    expect(await dying(desk, expected === null ? step.dies : null, work)).toBe(expected ?? 'done');
    if (expected !== null || step.dies === 'before') return;
    const carriedOut = naive.split && step.answer === 'given';
    const outcome = carriedOut ? (this.apart ? 'already' : 'done') : null;
    if (carriedOut) this.apart = true;
    naive.answer = { kind: step.answer, by: step.who, at: this.clock.now(), outcome };
  }

  private refusedAnswering(naive: Naive, { answer, who }: Step & { kind: 'answer' }): string | null {
    if (answer === 'given' && who === naive.by) return 'own_request';
    if (naive.answer !== null) return 'answered';
    return this.clock.now() - naive.at >= 7 * DAY ? 'expired' : null;
  }

  private refusedTaking(naive: Naive, who: number): string | null {
    if (who !== naive.by) return 'not_yours';
    if (naive.answer === null) return this.clock.now() - naive.at >= 7 * DAY ? 'not_given' : 'not_confirmed';
    if (naive.answer.kind === 'declined') return 'not_given';
    if (naive.taken) return 'fetched';
    if (this.clock.now() - naive.answer.at >= DAY) return 'too_late';
    return naive.split ? 'no_result' : null;
  }

  private async compare({ id, by, answer, taken }: Naive): Promise<void> {
    for (const desk of this.two) {
      const found = await desk.confirmations.known(id);
      expect(found.askedBy).toBe(this.people[by]!.principal);
      expect(found.fetchedAt !== null).toBe(taken);
      const { outcome } = found.answer ?? { outcome: null };
      expect(
        found.answer === null
          ? null
          : [found.answer.kind, found.answer.by, found.answer.at, outcome && (outcome.done ? 'done' : outcome.code)],
      ).toEqual(answer === null ? null : [answer.kind, this.people[answer.by]!.principal, answer.at, answer.outcome]);
    }
  }

  /** What the entries say is what has happened, each step once. */
  private async compareEntries(): Promise<void> {
    const rows = await this.two[1]!.vault.outbox.pending(0, 100_000);
    const all = rows.map(({ entry }) => JSON.parse(entry) as NewEntry);
    for (const { id, answer } of this.asked) {
      const own = all
        .filter(({ data }) => data['confirmation'] === id)
        .map(({ type, data }) => [type, data['outcome']]);
      const answered = answer?.kind === 'given' ? CONFIRMATION_GIVEN : CONFIRMATION_DECLINED;
      const outcome = answer?.outcome ?? undefined;
      expect(own).toEqual([[CONFIRMATION_ASKED, undefined], ...(answer === null ? [] : [[answered, outcome]])]);
      const separated = all.filter(({ data }) => data['separation'] === id);
      expect(separated).toHaveLength(outcome === 'done' ? 2 : 0);
    }
  }

  private async ids(): Promise<string[]> {
    const { items } = await this.two[0]!.confirmations.list({ limit: 10_000 });
    return items.map(({ confirmationId }) => confirmationId);
  }
}

/** Has something done by a process that dies of it, or does not. */
async function dying(desk: Desk, death: Death, work: () => Promise<unknown>): Promise<string> {
  const { changeCases } = desk.vault;
  if (death !== null)
    Object.assign(desk.vault, {
      changeCases: async (change: Parameters<typeof changeCases>[0]) => {
        const done = await changeCases.call(desk.vault, async (given) => {
          const result = await change(given);
          if (death === 'before') throw new Dead();
          return result;
        });
        if (death === 'behind') throw new Dead();
        return done;
      },
    });
  try {
    return await codeOf(
      work().catch((error: unknown) => {
        if (!(error instanceof Dead)) throw error;
      }),
    );
  } finally {
    if (death !== null) delete (desk.vault as { changeCases?: unknown }).changeCases;
  }
}

describe('two people, over SQLite', () => {
  let files = 0;
  describeTwoPeople(async () => ({ kind: 'sqlite', file: join(freshDataDir('two-people'), `${(files += 1)}.sqlite`) }));
});

describeWithPostgres('two people, over PostgreSQL', (postgres) => {
  describeTwoPeople(async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('two_people') }));
});

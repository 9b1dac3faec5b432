import { CompiledQuery, sql } from 'kysely';
import { join } from 'node:path';
import type { Disclosure } from '@sijill/contracts';
import {
  openEmbeddedStore,
  type EventStore,
  type KeylessStore,
  type NewEntry,
  type StoredEntry,
} from '@sijill/event-store';
import { newEntryId, systemClock, type SqlTarget } from '@sijill/platform';
import {
  activityView,
  disclosureHistory,
  duplicates,
  duplicateViews,
  knownEvents,
  openerForRows,
  personOf,
  quarantined,
  ReadModels,
  timelineRows,
  type TimelineFilter,
} from '@sijill/read-models';
import { disclosureEntry, opening, quarantineEntry, SUBJECTS } from '../support/disclosure-entries.js';
import { authentic } from '../support/entry-keys.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';

const FIRST_PAGE = { limit: 500, cursor: null };
const [SUBJECT = '', , THIRD = ''] = SUBJECTS;

interface TestLedger {
  /** As whoever has no key writes to it. */
  readonly keyless: KeylessStore;
  readonly store: EventStore;
}

async function ledger(): Promise<TestLedger> {
  const keyless = openEmbeddedStore({ file: join(freshDataDir('read-models'), 'ledger.sqlite') });
  const store = authentic(keyless);
  const entries = Array.from({ length: 240 }, (_, n) => disclosureEntry(`event-${n}`, { n }));
  await store.append('ledger-http/a', entries, 'no_stream');
  await store.append(
    'ledger-http/b',
    [
      disclosureEntry('event-7', { n: 7 }),
      disclosureEntry('event-8', { n: 8, digest: 'other' }),
      disclosureEntry('event-7', { n: 7 }),
      // What was a conflict is a repeat when it is sent again.
      disclosureEntry('event-8', { n: 8, digest: 'other' }),
      // An event of three subjects that was cut after its second entry, then sent again whole.
      ...[0, 1].map((index) => disclosureEntry('cut', { n: index, part: { index, of: 3 } })),
      ...[0, 1, 2].map((index) => disclosureEntry('cut', { n: index, part: { index, of: 3 } })),
      quarantineEntry(9, { source: '/sms/966500000042', eventId: '0500000042' }),
    ],
    'no_stream',
  );
  return { keyless, store };
}

/** How the database would answer a statement; PostgreSQL is told not to take a small table's short ways. */
async function planOf(models: ReadModels, statement: string, parameters: readonly unknown[]): Promise<string> {
  const postgresql = models.sql.dialect === 'postgresql';
  return models.sql.writer.transaction().execute(async (trx) => {
    if (postgresql)
      for (const way of ['seqscan', 'bitmapscan']) await sql`set local ${sql.raw(`enable_${way}`)} = off`.execute(trx);
    const explained = `${postgresql ? 'explain' : 'explain query plan'} ${statement}`;
    return JSON.stringify((await trx.executeQuery(CompiledQuery.raw(explained, [...parameters]))).rows);
  });
}

function contract(name: string, target: () => Promise<SqlTarget>): void {
  describe(`the read models on ${name}`, () => {
    let keyless: KeylessStore;
    let store: EventStore;
    let models: ReadModels;
    const foreign: string[] = [];
    beforeEach(async () => {
      ({ keyless, store } = await ledger());
      foreign.length = 0;
      models = await ReadModels.open(await target(), systemClock, {
        onForeign: (entries) => foreign.push(...entries.map(({ id }) => id)),
      });
    });
    afterEach(async () => {
      await models.close();
      await store.close();
    });

    const write = async (...entries: NewEntry[]): Promise<void> => {
      await store.append(`ledger-http/${newEntryId()}`, entries, 'no_stream');
      await models.catchUp(store);
    };
    const history = async (
      subjectIds: readonly string[],
      filter: Omit<TimelineFilter, 'subjectIds'> = {},
      ...[openerFor = opening(), reader]: [ReturnType<typeof opening>?, ('officer' | 'regulator')?]
    ): Promise<Disclosure[]> =>
      (await disclosureHistory(models.sql.reader, openerFor, { subjectIds, ...filter }, FIRST_PAGE, reader)).items;

    it('count the first of each event, whole, show conflicts, and list what was sent again', async () => {
      await models.catchUp(store);
      const { items } = await duplicates(models.sql.reader, { limit: 50, cursor: null });
      const views = await duplicateViews(items, store, opening());
      expect(views.map(({ producer, source, eventId, kind }) => [producer, source, eventId, kind].join(' '))).toEqual([
        'gateway /sms/gateway cut repeat',
        'gateway /sms/gateway cut repeat',
        'gateway /sms/gateway event-8 repeat',
        'gateway /sms/gateway event-7 repeat',
        'gateway /sms/gateway event-8 conflict',
        'gateway /sms/gateway event-7 repeat',
      ]);
      // A repeat of a conflict names the conflict, which names the first.
      expect(views[2]!.firstEntryId).toBe(views[4]!.entryId);
      const { rows } = await timelineRows(models.sql.reader, { subjectIds: [THIRD] }, FIRST_PAGE);
      expect(rows).toHaveLength(82);
      expect(rows.filter(({ standing }) => standing === 'conflict').map(({ entry_id }) => entry_id)).toEqual([
        views[4]!.entryId,
      ]);
    });

    it('know events by tag and generation, and keep tags in the tables of events alone', async () => {
      await models.catchUp(store);
      const key = (tag: string, generation = '2026Q3') => ({ generation, tag: `tag-of-${tag}` });
      expect(
        await knownEvents(models.sql.reader, [key('event-1'), key('event-1', '2026Q2'), key('new'), key('cut')]),
      ).toEqual([true, false, false, true]);
      for (const table of ['entry', 'activity', 'quarantine'] as const)
        expect(JSON.stringify(await models.sql.reader.selectFrom(table).selectAll().execute())).not.toContain('tag-of');
    });

    it('show the ids of events to nobody who is not to see them, and none that was destroyed', async () => {
      await models.catchUp(store);
      const { items } = await duplicates(models.sql.reader, { limit: 1, cursor: null });
      const ids = async (openerFor: ReturnType<typeof opening> | null): Promise<(string | null)[]> =>
        (await duplicateViews(items, store, openerFor)).map(({ eventId }) => eventId);
      expect(await ids(opening())).toEqual(['cut']);
      expect(await ids(null)).toEqual([null]);
      expect(await ids(opening(SUBJECTS))).toEqual([null]);

      const page = { limit: 5, cursor: null };
      const identity = async (openerFor: ReturnType<typeof opening> | null): Promise<unknown[]> =>
        (await quarantined(models.sql.reader, page, openerFor)).items.map(({ source, eventId }) => [source, eventId]);
      expect(await identity(opening())).toEqual([['/sms/966500000042', '0500000042']]);
      expect(await identity(null)).toEqual([[null, null]]);
      expect(await identity(opening(['quarantine']))).toEqual([[null, null]]);
    });

    it('give every row once, in order, page by page, with the filters of a query, of several subjects as of one', async () => {
      await models.catchUp(store);
      const subjectIds = [SUBJECT, THIRD];
      const filter = { recipient: ['Ähre', 'ölwerk'], from: '2026-07-02T00:00:00.000Z' };
      const seen: string[] = [];
      for (let cursor: string | null = null; ;) {
        const page = await disclosureHistory(
          models.sql.reader,
          opening(),
          { subjectIds, ...filter },
          { limit: 7, cursor },
        );
        seen.push(...page.items.map((item) => `${item.occurredAt} ${item.recordedAt} ${item.entryId}`));
        if (page.next === null) break;
        cursor = page.next;
      }
      const alone = await Promise.all(subjectIds.map((id) => history([id], filter)));
      expect(seen.length).toBe(alone.flat().length);
      expect(alone.every((items) => items.length > 20)).toBe(true);
      expect(new Set(seen).size).toBe(seen.length);
      expect([...seen].sort().reverse()).toEqual(seen);
      // One that is named twice is one.
      expect(await history([SUBJECT, SUBJECT])).toEqual(await history([SUBJECT]));
    });

    it('stay in their place behind a cursor while entries arrive and subjects are linked', async () => {
      await models.catchUp(store);
      const all = await history(SUBJECTS);
      const alone = await disclosureHistory(
        models.sql.reader,
        opening(),
        { subjectIds: [SUBJECT] },
        { limit: 10, cursor: null },
      );
      await write(disclosureEntry('late', { n: 230, subjectId: THIRD }));
      const rest = await disclosureHistory(
        models.sql.reader,
        opening(),
        { subjectIds: SUBJECTS },
        { limit: 500, cursor: alone.next },
      );
      const last = alone.items.at(-1)!;
      expect(rest.items.map(({ entryId }) => entryId)).toEqual(
        all.slice(all.findIndex(({ entryId }) => entryId === last.entryId) + 1).map(({ entryId }) => entryId),
      );
    });

    it('are filtered by producer, ground and customer, and by a verdict to nothing', async () => {
      const subjectId = newEntryId();
      const of = (event: string, producer: string, data: NewEntry['data']) =>
        disclosureEntry(event, { subjectId, producer, data });
      await write(
        of('a', 'gateway', { ground: 'service' }),
        of('b', 'billing', { ground: 'law', onBehalfOf: { id: 'shop-1', kind: 'organization', name: 'Shop' } }),
        of('c', 'billing', { ground: 'law' }),
      );
      const found = async (filter: Omit<TimelineFilter, 'subjectIds'>): Promise<string> =>
        (await history([subjectId], filter))
          .map(({ eventId }) => eventId)
          .sort()
          .join('');
      expect(await found({})).toBe('abc');
      expect(await found({ producer: ['billing'] })).toBe('bc');
      expect(await found({ producer: ['billing', 'gateway'], ground: ['service'] })).toBe('a');
      expect(await found({ onBehalfOf: ['shop-1'] })).toBe('b');
      expect(await found({ onBehalfOf: ['self'] })).toBe('ac');
      expect(await found({ onBehalfOf: ['self', 'shop-1'] })).toBe('abc');
      expect(await found({ verdict: ['allowed'] })).toBe('');
    });

    it('open for a reader what was sealed, references for an officer only, and nothing after an erasure', async () => {
      const subjectId = newEntryId();
      await write(
        disclosureEntry('0500000042', {
          subjectId,
          data: {
            method: 'other',
            has: ['method', 'recipient.contact', 'recipient.id', 'recipient.name', 'request.reference'],
            recipient: { id: 'person-tag', kind: 'person', class: 'partner' },
          },
          fields: {
            effectOnOthers: 'none',
            method: 'by pigeon',
            'recipient.contact': '+966500000043',
            'recipient.id': 'layla',
            'recipient.name': 'Layla',
            'request.reference': 'case 7 of Layla',
          },
        }),
      );
      const recipient = { kind: 'person', class: 'partner', capacity: null, country: null, reference: null };
      const [officer] = await history([subjectId]);
      expect(officer).toMatchObject({
        subjectId,
        eventId: '0500000042',
        recipient: { ...recipient, id: 'person-tag', name: 'Layla', contact: '+966500000043' },
        method: 'by pigeon',
        request: { reference: 'case 7 of Layla', sha256: null },
        effectOnOthers: 'none',
        producer: 'gateway',
        source: '/sms/gateway',
        standing: 'first',
        sealed: 'closed',
      });
      const [regulator] = await history([subjectId], {}, opening(), 'regulator');
      expect(regulator).toEqual({
        ...officer,
        eventId: null,
        request: null,
        recipient: { ...recipient, id: 'person-tag', name: 'Layla', contact: null },
      });
      const [erased] = await history([subjectId], {}, opening([subjectId]));
      expect(erased).toEqual({
        ...officer,
        eventId: null,
        request: null,
        recipient: { ...recipient, id: 'person-tag', name: null, contact: null },
        method: 'other',
        effectOnOthers: null,
        sealed: 'destroyed',
      });

      const { rows } = await timelineRows(models.sql.reader, { subjectIds: [subjectId] }, FIRST_PAGE);
      const timeline = rows.map((row, _, all) =>
        openerForRows(all, opening()).then((opener) => activityView(row, opener)),
      );
      expect(await timeline[0]).toMatchObject({
        subjectId,
        activity: 'disclosure',
        eventId: '0500000042',
        recipient: { id: 'person-tag', name: 'Layla' },
        request: { reference: 'case 7 of Layla' },
        standing: 'first',
        verdict: null,
        clauses: [],
      });
      // At rest there is nothing of it.
      const kept = JSON.stringify(rows);
      for (const secret of ['Layla', 'pigeon', '0500000042', '966500000043']) expect(kept).not.toContain(secret);
    });

    it('know whose entries are one person’s: of those linked, of one alone, of an erased one, of nobody', async () => {
      await models.catchUp(store);
      const { reader } = models.sql;
      const person = { linked: [THIRD], openConflicts: 2 };
      const directory = { person: async (id: string) => (id === SUBJECT ? person : null) };
      const of = (subjectId: string, linked = true) => personOf(reader, { directory }, { subjectId, linked });
      expect(await of(SUBJECT)).toEqual({ subjectIds: [SUBJECT, THIRD], openConflicts: 2 });
      expect(await of(SUBJECT, false)).toEqual({ subjectIds: [SUBJECT], openConflicts: 2 });
      expect(await of(THIRD)).toEqual({ subjectIds: [THIRD], openConflicts: 0 });
      expect(await of(newEntryId())).toBeNull();
    });

    it('answer from the indexes made for it, each subject from its own range, and sort nothing', async () => {
      await models.catchUp(store);
      const asked: { sql: string; parameters: readonly unknown[] }[] = [];
      const watched = models.sql.reader.withPlugin({
        transformQuery: ({ node }) => {
          asked.push(models.sql.reader.getExecutor().compileQuery(node, { queryId: 'watched' }));
          return node;
        },
        transformResult: async ({ result }) => result,
      });
      await disclosureHistory(watched, opening(), { subjectIds: SUBJECTS.slice(0, 2) }, { limit: 50, cursor: null });
      await timelineRows(watched, { subjectIds: [SUBJECT] }, { limit: 50, cursor: null });
      await duplicates(watched, { limit: 50, cursor: null });
      const plans: string[] = [];
      for (const { sql: text, parameters } of asked) plans.push(await planOf(models, text, parameters));
      expect(plans.map((plan) => /activity_disclosures|activity_timeline|entry_duplicate/.exec(plan)?.[0])).toEqual([
        'activity_disclosures',
        'activity_disclosures',
        'activity_timeline',
        'entry_duplicate',
      ]);
      for (const plan of plans) expect(plan).not.toMatch(/TEMP B-TREE|Sort/i);
    });

    it('pass over what is foreign, tell of each such event once, and go on', async () => {
      await models.catchUp(store);
      const digest = await models.digest();
      const before = await models.asOf();
      // Well-formed, and a copy of an entry that is ours; of neither the authenticator holds.
      const made = disclosureEntry('forged');
      const copied = disclosureEntry('event-1', { n: 1, digest: 'forged' });
      await keyless.append('ledger-http/c', [made, copied], 'no_stream');
      await models.catchUp(store);
      expect(foreign).toEqual([made.id, copied.id]);
      expect(await models.digest()).toBe(digest);
      expect(await models.asOf()).toEqual({ ...before, position: before.position + 2 });
      const { unchanged } = await models.rebuild(store, undefined, { compare: true });
      await models.catchUp(store);
      expect([unchanged, foreign.length]).toEqual([true, 2]);

      // What was forged has taken up no identity.
      await write(disclosureEntry('forged'));
      expect((await duplicates(models.sql.reader, FIRST_PAGE)).items).toHaveLength(6);
    });

    it('are the same however the store was cut into batches, and after a rebuild of all or of one', async () => {
      const other = await ReadModels.open(await target(), systemClock);
      for await (const batch of store.readAll({ batchSize: 7 })) await other.apply(batch);
      await models.catchUp(store);
      const digest = await models.digest();
      expect(await other.digest()).toBe(digest);
      await other.close();

      await models.sql.writer.updateTable('activity').set({ purpose: 'marketing' }).execute();
      await models.sql.writer.deleteFrom('quarantine').execute();
      expect(await models.digest()).not.toBe(digest);
      await models.rebuild(store, 'activity-timeline');
      await models.rebuild(store, 'quarantine');
      expect(await models.digest()).toBe(digest);
      await models.sql.writer.deleteFrom('event').execute();
      await models.rebuild(store);
      expect(await models.digest()).toBe(digest);
    });

    it('commit rows and position together: a batch that fails leaves neither, one that comes again changes nothing', async () => {
      const batches: StoredEntry[][] = [];
      for await (const batch of store.readAll({ batchSize: 100 })) batches.push(batch);
      const [first, second] = batches;
      await models.apply(first!);
      const before = { digest: await models.digest(), asOf: await models.asOf() };
      const broken = [...second!.slice(0, 50), { ...second![50]!, type: null as unknown as string }];
      // By its outcome: an error of SQLite's is one of the process's, and tests run in contexts of their own.
      expect(
        await models.apply(broken).then(
          () => 'applied',
          () => 'failed',
        ),
      ).toBe('failed');
      await models.apply(first!);
      expect({ digest: await models.digest(), asOf: await models.asOf() }).toEqual(before);
      await models.apply(second!);
      expect((await models.asOf()).position).toBe(second!.at(-1)!.position);
    });
  });
}

contract('SQLite', async () => ({ kind: 'sqlite', file: join(freshDataDir('read-models'), 'read-models.sqlite') }));
describeWithPostgres('with PostgreSQL', (postgres) => {
  contract('PostgreSQL', async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('read_models') }));

  it('are the same on both dialects', async () => {
    const { store } = await ledger();
    const targets: SqlTarget[] = [
      { kind: 'sqlite', file: join(freshDataDir('read-models'), 'read-models.sqlite') },
      { kind: 'postgresql', url: await postgres.freshDatabase('read_models') },
    ];
    const made = await Promise.all(
      targets.map(async (target) => {
        const models = await ReadModels.open(target, systemClock);
        await models.catchUp(store);
        const digest = await models.digest();
        await models.close();
        return digest;
      }),
    );
    expect(made[0]).toBe(made[1]);
    await store.close();
  });
});

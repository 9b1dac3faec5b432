import { CompiledQuery, sql } from 'kysely';
import { join } from 'node:path';
import { openEmbeddedStore, type EventStore, type StoredEntry } from '@sijill/event-store';
import { newEntryId, systemClock, type SqlTarget } from '@sijill/platform';
import { disclosureHistory, duplicates, ReadModels, timelineRows } from '@sijill/read-models';
import { disclosureEntry, SUBJECTS } from '../support/disclosure-entries.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';

async function ledger(): Promise<EventStore> {
  const store = openEmbeddedStore({ file: join(freshDataDir('read-models'), 'ledger.sqlite') });
  const entries = Array.from({ length: 240 }, (_, n) => disclosureEntry(`event-${n}`, { n }));
  await store.append('ledger-a', entries, 'no_stream');
  await store.append(
    'ledger-b',
    [
      disclosureEntry('event-7', { n: 7 }),
      disclosureEntry('event-8', { n: 8, digest: 'other' }),
      disclosureEntry('event-7', { n: 7 }),
      // An event of three subjects that was cut after its second entry, then sent again whole.
      ...[0, 1].map((index) => disclosureEntry('cut', { n: index, part: { index, of: 3 } })),
      ...[0, 1, 2].map((index) => disclosureEntry('cut', { n: index, part: { index, of: 3 } })),
      {
        id: newEntryId(),
        type: 'sijill.entry.quarantined.v1',
        data: { reason: { code: 'invalid_json', message: 'x' }, size: 3, source: null, eventId: null, holder: 'q' },
        metadata: {
          recordedAt: '2026-08-01T00:00:00.000Z',
          producer: null,
          kafka: { topic: 't', partition: 0, offset: 9 },
        },
      },
    ],
    'no_stream',
  );
  return store;
}

/** How the database would answer a statement; PostgreSQL is told not to take a small table's short way. */
async function planOf(models: ReadModels, statement: string, parameters: readonly unknown[]): Promise<string> {
  const postgresql = models.sql.dialect === 'postgresql';
  return models.sql.writer.transaction().execute(async (trx) => {
    if (postgresql) await sql`set local enable_seqscan = off`.execute(trx);
    const explained = `${postgresql ? 'explain' : 'explain query plan'} ${statement}`;
    return JSON.stringify((await trx.executeQuery(CompiledQuery.raw(explained, [...parameters]))).rows);
  });
}

function contract(name: string, target: () => Promise<SqlTarget>): void {
  describe(`the read models on ${name}`, () => {
    let store: EventStore;
    let models: ReadModels;
    beforeEach(async () => {
      store = await ledger();
      models = await ReadModels.open(await target(), systemClock);
    });
    afterEach(async () => {
      await models.close();
      await store.close();
    });

    it('count the first of each event, whole, and list the others', async () => {
      await models.catchUp(store);
      const { items } = await duplicates(models.sql.reader, { limit: 50, cursor: null });
      expect(items.map(({ eventId, kind }) => `${eventId} ${kind}`)).toEqual([
        'cut repeat',
        'cut repeat',
        'event-7 repeat',
        'event-8 conflict',
        'event-7 repeat',
      ]);
      const { rows } = await timelineRows(models.sql.reader, { subjectId: SUBJECTS[2]! }, { limit: 500, cursor: null });
      expect(rows).toHaveLength(81);
    });

    it('give every row once, in order, page by page, with the filters of a query', async () => {
      await models.catchUp(store);
      const filter = { subjectId: SUBJECTS[0]!, recipient: ['Ähre', 'ölwerk'], from: '2026-07-02T00:00:00.000Z' };
      const seen: string[] = [];
      for (let cursor: string | null = null; ;) {
        const page = await disclosureHistory(models.sql.reader, filter, { limit: 7, cursor }, false);
        seen.push(...page.items.map((item) => `${item.occurredAt} ${item.recordedAt} ${item.entryId}`));
        if (page.next === null) break;
        cursor = page.next;
      }
      expect(seen.length).toBeGreaterThan(20);
      expect(new Set(seen).size).toBe(seen.length);
      expect([...seen].sort().reverse()).toEqual(seen);
    });

    it('answer from the indexes made for it', async () => {
      await models.catchUp(store);
      const asked: { sql: string; parameters: readonly unknown[] }[] = [];
      const watched = models.sql.reader.withPlugin({
        transformQuery: ({ node }) => {
          asked.push(models.sql.reader.getExecutor().compileQuery(node, { queryId: 'watched' }));
          return node;
        },
        transformResult: async ({ result }) => result,
      });
      await disclosureHistory(watched, { subjectId: SUBJECTS[0]! }, { limit: 50, cursor: null }, false);
      await duplicates(watched, { limit: 50, cursor: null });
      const plans: string[] = [];
      for (const { sql: text, parameters } of asked) plans.push(await planOf(models, text, parameters));
      expect(plans[0]).toContain('activity_disclosures');
      expect(plans[1]).toContain('entry_duplicate');
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
    const store = await ledger();
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

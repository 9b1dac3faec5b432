import Database from 'better-sqlite3';
import { join } from 'node:path';
import { LaneGap, openEmbeddedStore, type AuthenticStore, type KeylessStore } from '@sijill/event-store';
import { announceFirstKey, checkRange, GrowingLog, logSigner, LogStore, Notary, verifyStore } from '@sijill/notary';
import { claimOf, createLogger, Metrics, systemClock, type SqlTarget } from '@sijill/platform';
import { Projector, ReadModels } from '@sijill/read-models';
import { disclosureEntry } from '../support/disclosure-entries.js';
import { appendTo, authentic } from '../support/entry-keys.js';
import { LOG_IDENTITY, testSigner } from '../support/log-identity.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const LANE = 'ledger-a';
const silent = createLogger('silent');

function contract(name: string, freshTarget: () => Promise<SqlTarget>): void {
  // Entries that are gone before anybody has read them: no leaf tells of them, and no row.
  describe(`entries that nobody will read, with ${name}`, () => {
    let file: string;
    let keyless: KeylessStore;
    let store: AuthenticStore;
    let models: ReadModels;
    let log: LogStore;
    let logTarget: SqlTarget;
    beforeEach(async () => {
      file = join(freshDataDir('gap'), 'ledger.sqlite');
      keyless = openEmbeddedStore({ file, pollMs: 10 });
      store = authentic(keyless);
      models = await ReadModels.open(await freshTarget(), systemClock);
      logTarget = await freshTarget();
      log = await LogStore.open(logTarget);
    });
    afterEach(async () => {
      for (const part of [models, log, store]) await part.close();
    });

    const write = async (first: number, count: number): Promise<void> => {
      const entries = Array.from({ length: count }, (_, n) => disclosureEntry(`event-${first + n}`, { n: first + n }));
      await appendTo(store, LANE, entries);
    };
    const remove = (from: number, to: number): void => {
      const db = new Database(file);
      db.exec('drop trigger entry_stays');
      db.prepare(
        'delete from entry where stream_id = (select id from stream where name = ?) and revision between ? and ?',
      ).run(LANE, from, to);
      db.close();
    };
    const missing = { name: 'LaneGap', stream: LANE, first: 5, last: 7 };

    it('stop a projector behind what it knows, whichever process it is, and its health says which', async () => {
      await write(0, 5);
      await models.catchUp(store);
      const reached = (await models.asOf()).position;
      await write(5, 5);
      remove(5, 7);
      const projector = new Projector(store, models, new Metrics(), silent);
      projector.start();
      await eventually(
        async () => projector.health.state,
        (state) => state === 'failing',
      );
      expect(projector.health.detail).toContain(`${LANE} cannot be read, revisions 5 to 7`);
      expect((await models.asOf()).position).toBe(reached);
      await projector.stop();
      await expect(models.catchUp(store)).rejects.toMatchObject(missing);
    });

    it('are not seen where a rebuild has read further than the live rows were', async () => {
      await write(0, 10);
      await models.rebuild(store);
      await write(10, 5);
      await models.catchUp(store);
      expect((await models.asOf()).position).toBe(await store.head());
    });

    it('stop one that begins, and a rebuild, which leaves the rows that are there', async () => {
      await write(0, 10);
      remove(5, 7);
      await expect(models.catchUp(store)).rejects.toBeInstanceOf(LaneGap);
      await expect(models.rebuild(store)).rejects.toMatchObject(missing);
    });

    it('keep the notary from signing anything more', async () => {
      await announceFirstKey(store, log, LOG_IDENTITY, systemClock);
      await write(0, 5);
      const growing = await GrowingLog.resume(log, systemClock);
      for await (const batch of store.readTexts()) growing.add(batch);
      await growing.commit(logSigner(LOG_IDENTITY.origin, [testSigner(1)]));
      await write(5, 5);
      remove(5, 7);
      const notary = new Notary(store, log, {
        claim: claimOf({ kind: 'sqlite', file: join(freshDataDir('gap'), 'claim') }, 'notary'),
        identity: LOG_IDENTITY,
        clock: systemClock,
        metrics: new Metrics(),
        logger: silent,
        lane: () => Promise.reject(new Error('nothing is written here')),
      });
      notary.start();
      await eventually(
        async () => notary.health.state,
        (state) => state === 'refusing',
      );
      expect(notary.health.detail).toContain('revisions 5 to 7');
      expect((await log.head()).size).toBe(6);
      await notary.stop();
    });

    const onSqlite = name === 'SQLite' ? it : it.skip;
    onSqlite('are a finding where leaves were made of what is behind them', async () => {
      await announceFirstKey(store, log, LOG_IDENTITY, systemClock);
      await write(0, 10);
      const signer = logSigner(LOG_IDENTITY.origin, [testSigner(1)]);
      remove(0, 7);
      // As a log that began before lanes were kept: of a lane without a known end the first entry is taken as it comes.
      const db = new Database((logTarget as { file: string }).file);
      db.exec("update log_lane_end set revision = 1 where lane = ''");
      db.close();
      const growing = await GrowingLog.resume(log, systemClock);
      for await (const batch of store.readTexts()) growing.add(batch);
      await growing.commit(signer);
      const { findings } = await verifyStore(keyless, log, {
        trust: { log: signer.keys },
        check: (range, size) => checkRange(keyless, log, size, range),
        hands: 1,
      });
      expect(findings).toEqual([
        { what: 'entry', index: 1, detail: expect.stringContaining(`${LANE} cannot be read, revisions 0 to 7`) },
      ]);
    });
  });
}

contract('SQLite', () => Promise.resolve({ kind: 'sqlite', file: join(freshDataDir('gap'), 'tables.sqlite') }));
describeWithPostgres('with PostgreSQL', (postgres) => {
  contract('PostgreSQL', async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('gap') }));
});

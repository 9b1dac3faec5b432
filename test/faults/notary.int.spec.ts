import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Lane, nodeLane } from '@sijill/event-store';
import {
  checkRange,
  fromTiles,
  GrowingLog,
  inForce,
  KeyChangeRefused,
  LOG_ALIVE,
  LogKeys,
  logSigner,
  LogStore,
  MapKeeper,
  MapStore,
  Notary,
  verifyStore,
  type NotaryState,
} from '@sijill/notary';
import { claimOf, createLogger, Metrics, systemClock } from '@sijill/platform';
import { openCheckpoint, sameBytes, toHex, treeRoot } from '@sijill/transparency';
import { disclosureEntry, SUBJECTS } from '../support/disclosure-entries.js';
import { AUTHENTICATOR, appendTo } from '../support/entry-keys.js';
import { FULL_RUN } from '../support/full-run.js';
import { seeded } from '../support/seeded.js';
import { LOG_IDENTITY, testSigner } from '../support/log-identity.js';
import { eventually, freshDataDir } from '../support/sijill.js';
import { embeddedPlace, eventStoreDbPlace, type StorePlace } from '../support/store-places.js';

const KILLS = Number(process.env['SIJILL_TEST_NOTARY_KILLS'] ?? (FULL_RUN ? 200 : 8));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PROGRAM = join(import.meta.dirname, '../support/notary.program.ts');
const signer = logSigner(LOG_IDENTITY.origin, [testSigner(1)]);

describe.each([
  ['the embedded store', embeddedPlace],
  ['EventStoreDB', eventStoreDbPlace],
])('a notary of %s', (_, open) => {
  let opened: StorePlace;
  let folder: string;
  let written = 0;
  const running: Notary[] = [];
  const logs: LogStore[] = [];
  beforeEach(async () => {
    opened = await open();
    folder = freshDataDir('notary-log');
  });
  afterEach(async () => {
    for (const notary of running.splice(0)) await notary.stop();
    for (const log of logs.splice(0)) await log.close();
    await opened.stop();
  });

  const lane = `ledger-notary-test-${Date.now()}`;
  const write = async (count: number): Promise<void> => {
    const entries = Array.from({ length: count }, () => disclosureEntry(`event-${written}`, { n: written++ }));
    await appendTo(opened.store, lane, entries);
  };
  const openLog = async (name = 'log'): Promise<LogStore> => {
    const log = await LogStore.open({ kind: 'sqlite', file: join(folder, `${name}.sqlite`) });
    logs.push(log);
    return log;
  };
  const notaryOf = (log: LogStore, { maps, ...options }: { aliveEveryMs?: number; maps?: MapStore } = {}): Notary => {
    const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
    const notary = new Notary(opened.store, log, {
      claim: claimOf({ kind: 'sqlite', file: join(folder, 'claim') }, 'notary'),
      identity: LOG_IDENTITY,
      ...parts,
      ...(maps === undefined ? {} : { subjects: new MapKeeper(opened.store, log, maps, { ...parts, everyMs: 30 }) }),
      lane: () => Lane.open(opened.store, nodeLane('notary'), { onOtherWriter: 'follow', whenFull: 'refuse' }),
      signEveryMs: 20,
      ...options,
    });
    running.push(notary);
    notary.start();
    return notary;
  };
  const keysOf = (log: LogStore): LogKeys =>
    new LogKeys(opened.store, log, LOG_IDENTITY, {
      clock: systemClock,
      published: () => log.checkpoint(),
      cosigned: { needed: 0, wanted: 0 },
    });
  /** One step on the way from a key to the next; not while the step before has no checkpoint. */
  const rotate = async (keys: LogKeys): Promise<void> => {
    const now = inForce(await keys.all());
    // Killed before it began.
    if (now.length === 0) return;
    await (now.length === 1 ? keys.introduce() : keys.retire(now[0]!.generation)).catch((error: unknown) => {
      if (!(error instanceof KeyChangeRefused)) throw error;
    });
  };
  const state = (notary: Notary, wanted: NotaryState): Promise<NotaryState> =>
    eventually(
      async () => notary.health.state,
      (now) => now === wanted,
    );
  const signedUpToEnd = async (log: LogStore, patienceMs = 30_000): Promise<void> => {
    const end = await opened.store.head();
    await eventually(
      () => log.checkpoint(),
      (checkpoint) => checkpoint !== null && checkpoint.position >= end,
      patienceMs,
    );
  };
  /** The tree that the store gives, made anew elsewhere at once. */
  const rebuilt = async (): Promise<LogStore> => {
    const log = await openLog('rebuilt');
    const growing = await GrowingLog.resume(log, systemClock);
    for await (const batch of opened.store.readTexts()) growing.add(batch);
    await growing.commit(null);
    return log;
  };

  it(
    `signs one tree and no other over ${KILLS} kills, and its tiles are those of the store (seed ${SEED})`,
    async () => {
      const random = seeded(SEED);
      const mine = await openLog();
      const keys = keysOf(mine);
      await write(700);
      for (let kill = 0; kill < KILLS; kill++) {
        // The first two are killed where a log begins. A slow machine lets none of them come further: then one is let begin it.
        if (kill === 2) {
          const begins = notaryOf(mine);
          await signedUpToEnd(mine);
          await begins.stop();
        }
        const args = [opened.where, ...['log.sqlite', 'map.sqlite', 'claim'].map((name) => join(folder, name))];
        const child = fork(PROGRAM, args, { execArgv: ['--import', 'tsx'] });
        const gone = once(child, 'exit');
        await once(child, 'message');
        for (const until = Date.now() + 10 + random() * 400; Date.now() < until; await pause(5))
          await write(1 + Math.floor(random() * 60));
        await rotate(keys);
        child.kill('SIGKILL');
        await gone;
      }
      const log = await openLog();
      const maps = await MapStore.open({ kind: 'sqlite', file: join(folder, 'map.sqlite') });
      const notary = notaryOf(log, { maps });
      // What those that were killed have left to do may be much, and more than one that stops adds in passing.
      const patienceMs = 30_000 + KILLS * 1_000;
      await signedUpToEnd(log, patienceMs);
      const { size: grown } = await log.head();
      await eventually(
        () => maps.head(),
        (head) => head.size >= grown,
        patienceMs,
      );
      await notary.stop();

      const truth = await rebuilt();
      const { size } = await truth.head();
      expect(await log.head()).toEqual(await truth.head());
      let checkpoints = 0;
      for await (const { size: at, note } of log.checkpoints()) {
        const { root } = openCheckpoint(note, { log: (await keys.all()).map(({ key }) => key) });
        expect(toHex(root)).toBe(toHex(await fromTiles(truth, (read) => treeRoot(BigInt(at), read))));
        checkpoints++;
      }
      expect(checkpoints).toBeGreaterThan(KILLS / 4);
      for (let level = 0; size >> (8 * level) > 0; level++)
        for (let index = 0n; index <= BigInt(size >> (8 * (level + 1))); index++) {
          const place = { level, index };
          const [[ours], [true_]] = [await log.tiles([place]), await truth.tiles([place])];
          expect(ours === true_ || sameBytes(ours!, true_!)).toBe(true);
        }
      expect(await log.indexAt(await opened.store.head())).toBe(size - 1);

      const { keyless } = opened;
      const verified = await verifyStore(keyless, log, {
        trust: { log: signer.keys },
        check: (range, of) => checkRange(keyless, log, of, range, AUTHENTICATOR),
        hands: 1,
        maps,
      });
      expect(verified).toMatchObject({ findings: [], leaves: size, unsigned: 0 });
      expect(verified.maps).toBeGreaterThan(0);
      // It was signed with more than one key, and each checkpoint with those that were announced by then.
      expect(inForce(await keys.all()).at(-1)!.generation).toBeGreaterThan(1);
      // At rest the map covers all of the log.
      expect(await maps.head()).toMatchObject({ size, chains: 2 * SUBJECTS.length });
      await maps.close();
    },
    KILLS * 15_000 + 120_000,
  );

  it('stands by beside another, and takes over', async () => {
    const log = await openLog();
    const first = notaryOf(log);
    await state(first, 'running');
    const second = notaryOf(await openLog());
    await state(second, 'standing by');
    await write(10);
    await signedUpToEnd(log);
    await first.stop();
    await state(second, 'running');
    await write(10);
    await signedUpToEnd(log);
  });

  it('says that it is alive when nothing is added to the log', async () => {
    const log = await openLog();
    notaryOf(log, { aliveEveryMs: 300 });
    await eventually(
      () => log.checkpoint(),
      // The first entry announces the key that the log begins with.
      (checkpoint) => (checkpoint?.size ?? 0) >= 3,
    );
    const types: string[] = [];
    for await (const entry of opened.store.readStream(nodeLane('notary'), { direction: 'backwards', limit: 2 }))
      types.push(entry.type);
    expect(types).toEqual([LOG_ALIVE, LOG_ALIVE]);
  });

  it('is let go on by the database from its own place only', async () => {
    await write(10);
    const [one, two] = [
      await GrowingLog.resume(await openLog(), systemClock),
      await GrowingLog.resume(await openLog(), systemClock),
    ];
    for await (const batch of opened.store.readTexts()) for (const log of [one, two]) log.add(batch);
    await one.commit(signer);
    await expect(two.commit(signer)).rejects.toMatchObject({ name: 'HeadMoved' });
  });

  it('refuses to go on over a store that has lost what was signed', async () => {
    await write(300);
    const log = await openLog();
    const notary = notaryOf(log);
    await signedUpToEnd(log);
    await notary.stop();
    // A store that ends earlier, as an older backup does.
    const older = await embeddedPlace();
    const other = opened;
    opened = older;
    const refusing = notaryOf(log);
    await state(refusing, 'refusing');
    expect(refusing.health.detail).toContain('the store ends before');
    await write(400);
    const changed = notaryOf(log);
    await state(changed, 'refusing');
    expect(changed.health.detail).toMatch(/leaf 0|the store ends|entries were signed/);
    expect((await log.checkpoint())!.size).toBeGreaterThanOrEqual(300);
    await older.stop();
    opened = other;
  });
});

import { cpSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openEventStoreDb, StoreNotOurs } from '@sijill/event-store';
import { acceptLoss } from '@sijill/ledger';
import { createLogger, parseConfig } from '@sijill/platform';
import { copyOf } from '../support/eventstoredb/data-directory.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { eventually, freshDataDir } from '../support/sijill.js';
import { exchange, PART_FILES, WholeLedger, type PartName } from '../support/whole-ledger.js';

/** How many entries a server holds. Its connections are shared by all of this process, and were just broken. */
async function entriesOf(standIn: StandIn): Promise<number> {
  return eventually(
    () => countIn(standIn).catch(() => -1),
    (count) => count >= 0,
  );
}

async function countIn({ connectionString }: StandIn): Promise<number> {
  const store = await openEventStoreDb({ connectionString });
  try {
    let count = 0;
    for await (const batch of store.readAll()) count += batch.length;
    return count;
  } finally {
    await store.close();
  }
}

/** Grows the ledger on a server by events, and leaves it. */
async function grow(dataDir: string, folder: string, by: number): Promise<void> {
  const standIn = await startEventStoreDbStandIn({ dataDir });
  const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder, SIJILL_EVENT_STORE: standIn.connectionString });
  await whole.take(by);
  await whole.settled();
  await whole.stop();
  await standIn.stop();
}

type Kind = 'empty' | 'older' | "another's" | 'forked';

const WORDS: Record<Kind, RegExp> = {
  empty: /event store is empty, and the ledger [0-9a-f-]{36} has entries up to position \d+/,
  older: /event store ends at position \d+, and .* knows of entries up to \d+/,
  "another's": /event store is not that of the ledger .* it is that of the ledger/,
  forked: /at position \d+ the event store does not hold the entry that .* knows/,
};

describe('a server that comes back with other data', () => {
  const right = freshDataDir('store');
  const folder = freshDataDir('ledger');
  const wrong: Record<Kind, string> = { empty: '', older: '', "another's": '', forked: '' };
  let standIn: StandIn;
  let whole: WholeLedger;

  beforeAll(async () => {
    await grow(right, folder, 5);
    wrong.empty = freshDataDir('empty');
    wrong.older = copyOf(right);
    wrong.forked = copyOf(right);
    const beside = freshDataDir('beside');
    cpSync(folder, beside, { recursive: true });
    await grow(wrong.forked, beside, 40);
    wrong["another's"] = freshDataDir('others');
    await grow(wrong["another's"], freshDataDir('others-ledger'), 40);
    standIn = await startEventStoreDbStandIn({ dataDir: right });
    whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder, SIJILL_EVENT_STORE: standIn.connectionString });
    await whole.take(5);
    await whole.settled();
  }, 120_000);
  afterAll(async () => {
    await whole.stop();
    await standIn.stop();
  }, 60_000);

  const becomes = async (dataDir: string): Promise<void> => {
    const { port } = standIn;
    await standIn.stop();
    standIn = await startEventStoreDbStandIn({ dataDir, port });
  };

  it.each(Object.keys(WORDS) as Kind[])(
    '%s: takes nothing in and signs nothing, says so, and goes on by itself with the right data',
    async (kind) => {
      const signed = (await whole.ledger.log.store.head()).size;
      await becomes(wrong[kind]);
      const before = await entriesOf(standIn);
      await eventually(
        async () => whole.health.ledger,
        (failure) => failure !== null && WORDS[kind].test(failure),
      );
      const refusal = await whole.take(1).catch((error: unknown) => error as Error);
      expect(refusal).toBeInstanceOf(StoreNotOurs);
      expect((refusal as Error).message).toMatch(WORDS[kind]);
      expect(await entriesOf(standIn)).toBe(before);
      expect((await whole.ledger.log.store.head()).size).toBe(signed);

      await becomes(right);
      await whole.goesOn();
      expect(whole.health.notary!.state).toBe('running');
      expect((await whole.ledger.log.store.head()).size).toBe(await entriesOf(standIn));
    },
    120_000,
  );
});

describe('a server that keeps no log, and was overlooked when a loss was accepted', () => {
  it('takes nothing in, and says that it is to be started again', async () => {
    const [right, folder] = [freshDataDir('store'), freshDataDir('ledger')];
    await grow(right, folder, 5);
    const older = copyOf(right);
    let standIn = await startEventStoreDbStandIn({ dataDir: right });
    const env = { SIJILL_DATA_DIR: folder, SIJILL_EVENT_STORE: standIn.connectionString };
    const whole = await WholeLedger.start({ ...env, SIJILL_ROLES: 'api,projector' });
    // What nobody but this process knew of would be gone with it, and nobody would miss it.
    await whole.ledger.readModels.waitFor(await whole.take(5), 30_000);
    const { port } = standIn;
    await standIn.stop();
    standIn = await startEventStoreDbStandIn({ dataDir: older, port });
    const refusing = (words: RegExp): Promise<string | null> =>
      eventually(
        async () => whole.health.ledger,
        (failure) => failure !== null && words.test(failure),
      );
    await refusing(WORDS.older);
    const by = { keyId: null, name: 'tests', principal: 'command-line', roles: [], producer: null };
    const { losses } = await acceptLoss(parseConfig(env), createLogger('silent'), {
      reason: 'a test',
      by: () => Promise.resolve(by),
    });
    expect(losses).toBe(1);
    await refusing(/a loss of entries was accepted since this server was started; start it again/);
    await expect(whole.take(1)).rejects.toThrow('start it again');
    await whole.stop();
    const again = await WholeLedger.start(env);
    await again.take(1);
    await again.settled();
    await again.stop();
    await standIn.stop();
  }, 60_000);
});

describe('an embedded ledger of which a part is exchanged while it is open', () => {
  const folder = freshDataDir('embedded');
  const other = freshDataDir('embedded-other');
  let older: string;
  let beside: string;
  let whole: WholeLedger;
  const start = (): Promise<WholeLedger> => WholeLedger.start({ SIJILL_DATA_DIR: folder });

  beforeAll(async () => {
    whole = await start();
    await whole.take(5);
    await whole.settled();
    await whole.stop();
    older = copyOf(folder);
    beside = freshDataDir('embedded-beside');
    const another = await WholeLedger.start({ SIJILL_DATA_DIR: other });
    await another.take(20);
    await another.settled();
    await another.stop();
    whole = await start();
    await whole.take(5);
    await whole.settled();
  }, 60_000);
  afterAll(() => whole.stop());

  /** Moves a part of it elsewhere, or back: the files stay the same ones. */
  const move = (part: PartName, from: string, to: string): void => {
    exchange(part, to, null);
    for (const file of PART_FILES[part].flatMap((name) => [name, `${name}-wal`, `${name}-shm`])) {
      if (!existsSync(join(from, file))) continue;
      mkdirSync(dirname(join(to, file)), { recursive: true });
      renameSync(join(from, file), join(to, file));
    }
  };
  /** Looks until it says what is wrong, or that nothing is; by itself it looks every few seconds. */
  const says = (satisfied: (failure: string | null) => boolean): Promise<string | null> =>
    eventually(async () => {
      await whole.ledger.identity.check().catch(() => undefined);
      return whole.health.ledger;
    }, satisfied);
  const saysWhatToDo = (): Promise<string | null> =>
    says((failure) => failure?.includes('was moved away or replaced while it was open; stop this process') === true);

  const parts = Object.keys(PART_FILES) as PartName[];
  it.each(parts)(
    '%s, gone, older, or another: takes nothing in and signs nothing, says what to do, and goes on when the file is back',
    async (part) => {
      const head = await whole.ledger.store.head();
      const signed = (await whole.ledger.log.store.head()).size;
      move(part, folder, beside);
      for (const from of [null, older, other]) {
        exchange(part, folder, from);
        expect(await saysWhatToDo()).toContain(join(folder, PART_FILES[part][0]));
        await expect(whole.take(1)).rejects.toThrow('was moved away or replaced while it was open');
        expect((await whole.ledger.log.store.head()).size).toBe(signed);
      }
      move(part, beside, folder);
      await says((failure) => failure === null);
      expect(await whole.ledger.store.head()).toBe(head);
      await whole.goesOn();
    },
    60_000,
  );

  it('a log that is gone: says so by itself, before anything is asked', async () => {
    move('log', folder, beside);
    await eventually(
      async () => whole.health.ledger,
      (failure) => failure?.includes('notary.sqlite was moved away') === true,
    );
    move('log', beside, folder);
    await whole.goesOn();
  }, 60_000);

  it.each(parts)(
    '%s: a copy of the file in its place takes a restart, as is said, and all is there',
    async (part) => {
      move(part, folder, beside);
      exchange(part, folder, beside);
      await saysWhatToDo();
      await whole.stop();
      whole = await start();
      await whole.goesOn();
    },
    60_000,
  );
});

import { join } from 'node:path';
import Database from 'better-sqlite3';
import { StoreNotOurs, type StoredEntry } from '@sijill/event-store';
import {
  acceptLoss,
  ChangedNotLost,
  logKeysInForce,
  openStore,
  sqlTarget,
  type Lost,
  type LossAccepted,
} from '@sijill/ledger';
import { checkRange, LogStore, MapStore, verifyStore, type Finding } from '@sijill/notary';
import { createLogger, parseConfig, PartBehind, PartOfAnother } from '@sijill/platform';
import {
  followGrowth,
  formatLosses,
  FOUNDING_LANE,
  openCheckpoint,
  ProofInvalid,
  type Followed,
  type LogWithLosses,
} from '@sijill/transparency';
import { VaultLost } from '@sijill/vault';
import { freshDataDir } from '../support/sijill.js';
import { copyOf, exchange, PART_FILES, WholeLedger, type PartName } from '../support/whole-ledger.js';

const EACH = 5;

/** Grows a ledger by events, and by a change of its keys. @returns where it stands afterwards */
async function grown(folder: string, by = EACH): Promise<number> {
  const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder });
  await whole.take(by);
  const names = { name: 'tests', principal: 'command-line' };
  await whole.ledger.keys.create({ name: `officer-${Math.random()}`, roles: ['officer'] }, names);
  await whole.ledger.outboxes.drain();
  await whole.settled();
  await whole.stop();
  return headOf(folder);
}

async function headOf(folder: string): Promise<number> {
  const { openEmbeddedStore } = await import('@sijill/event-store');
  const store = openEmbeddedStore({ file: `${folder}/ledger.sqlite` });
  const head = await store.head();
  await store.close();
  return head;
}

const REASON = 'both disks of the store failed';

/** @param cutShortAt where it ends as if the process had */
function acceptOn(folder: string, cutShortAt?: string): Promise<LossAccepted> {
  const by = { keyId: null, name: 'command line', principal: 'command-line', roles: [], producer: null };
  const config = parseConfig({ SIJILL_DATA_DIR: folder });
  return acceptLoss(config, createLogger('silent'), {
    reason: REASON,
    by: () => Promise.resolve(by),
    onProgress: (what) => {
      if (what === cutShortAt) throw new Error(`cut short at ${what}`);
    },
  });
}

async function checkpointOf(folder: string): Promise<string> {
  const log = await LogStore.open(sqlTarget(parseConfig({ SIJILL_DATA_DIR: folder }), 'notary'));
  const { note } = (await log.checkpoint())!;
  await log.close();
  return note;
}

/** Follows a ledger's log from a checkpoint to its last one, as whoever has its key does from outside. */
async function follow(folder: string, from: string): Promise<Followed> {
  const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder });
  try {
    const { store: log, keys, losses } = whole.ledger.log;
    const read = (tiles: Promise<(Uint8Array | null)[]>): Promise<Uint8Array> => tiles.then(([tile]) => tile!);
    const source: LogWithLosses = {
      checkpoint: async () => (await log.checkpoint())!.note,
      tile: (at) => read(log.tiles([at])),
      formerTile: (before) => (at) => read(log.formerTiles(before, [at])),
      losses: async () => formatLosses(await losses()),
    };
    const trust = { log: (await keys.all()).map(({ key }) => key) };
    return await followGrowth(
      source,
      openCheckpoint(from, trust),
      openCheckpoint(await source.checkpoint(), trust),
      trust,
    );
  } finally {
    await whole.stop();
  }
}

/** What is wrong with the store and the map of subjects, by all that was signed. */
async function findingsOf(folder: string): Promise<readonly Finding[]> {
  const config = parseConfig({ SIJILL_DATA_DIR: folder });
  const logger = createLogger('silent');
  const keys = await logKeysInForce(config, logger);
  const store = await openStore(config, logger);
  const log = await LogStore.open(sqlTarget(config, 'notary'));
  const maps = await MapStore.open(sqlTarget(config, 'subject-map'));
  const verified = await verifyStore(store, log, {
    trust: { log: keys.map(({ key }) => key) },
    check: (range, size) => checkRange(store, log, size, range),
    hands: 1,
    maps,
  });
  for (const part of [maps, log, store]) await part.close();
  return verified.findings;
}

/** The last entry of a ledger that tells of what was lost. */
async function restoredIn(folder: string): Promise<StoredEntry> {
  const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder });
  const entries: StoredEntry[] = [];
  for await (const entry of whole.ledger.store.readStream(FOUNDING_LANE)) entries.push(entry);
  await whole.stop();
  return entries.at(-1)!;
}

/** What comes of a start: the error, or nothing. */
async function startOf(folder: string): Promise<Error | null> {
  try {
    const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder });
    await whole.stop();
    return null;
  } catch (error) {
    return error as Error;
  }
}

type Kind = 'empty' | 'older' | 'newer' | "another's" | 'forked';
type Refusal = readonly [new (...given: never[]) => Error, RegExp];

/** What a start says about a part that was exchanged, the others being as they were last. */
const REFUSALS: Record<PartName, Record<Kind, Refusal>> = {
  store: {
    empty: [StoreNotOurs, /event store is empty, and the ledger [0-9a-f-]{36} has entries up to position \d+/],
    older: [StoreNotOurs, /event store ends at position \d+, and the \w+.* knows of entries up to \d+/],
    newer: [PartBehind, /the vault is an older copy: it stands at change \d+/],
    "another's": [StoreNotOurs, /event store is not that of the ledger .* it is that of the ledger/],
    forked: [StoreNotOurs, /gone on from an older copy/],
  },
  vault: {
    empty: [VaultLost, /there is no vault/],
    older: [PartBehind, /the vault is an older copy/],
    newer: [StoreNotOurs, /event store ends at position \d+, and the vault knows of entries up to/],
    "another's": [Error, /keyring is not the one that the vault was made with/],
    forked: [PartBehind, /: the vault has gone on from an older copy/],
  },
  database: {
    empty: [PartOfAnother, /database of keys and producers is not the one that the ledger .* was founded with/],
    older: [PartBehind, /database of keys and producers is an older copy/],
    newer: [StoreNotOurs, /event store ends at position \d+, and the database .* knows of entries up to/],
    "another's": [PartOfAnother, /is that of the ledger .*, and this keyring is of the ledger/],
    forked: [PartBehind, /: the database of .* has gone on from an older copy/],
  },
  log: {
    empty: [PartOfAnother, /the log is not the one that the ledger .* was founded with/],
    older: [PartBehind, /the log is an older copy: it has \d+ leaves, and had \d+/],
    newer: [StoreNotOurs, /event store ends at position \d+, and the log knows of entries up to/],
    "another's": [PartOfAnother, /the log is that of the ledger .*, and this keyring is of the ledger/],
    forked: [PartBehind, /: the log has gone on from an older copy/],
  },
};

describe('a ledger of which a part was exchanged', () => {
  let [before, after, shortFork, longFork, other] = ['', '', '', '', ''];

  beforeAll(async () => {
    const folder = freshDataDir('parts');
    await grown(folder);
    before = copyOf(folder);
    const head = await grown(folder);
    after = copyOf(folder);
    shortFork = copyOf(before);
    await grown(shortFork, 1);
    longFork = copyOf(before);
    while ((await grown(longFork)) < head);
    other = freshDataDir('other');
    await grown(other, 4 * EACH);
  }, 120_000);

  const others = (part: PartName): PartName[] =>
    (Object.keys(PART_FILES) as PartName[]).filter((name) => name !== part);

  /** The store of a fork is as long at least, so that it differs by what it holds and not by where it ends. */
  const forkOf = (part: PartName): string => (part === 'store' ? longFork : shortFork);

  function exchanged(part: PartName, kind: Kind): string {
    const folder = copyOf(after);
    if (kind === 'newer') for (const name of others(part)) exchange(name, folder, before);
    else exchange(part, folder, { empty: null, older: before, "another's": other, forked: forkOf(part) }[kind]);
    return folder;
  }

  const cells = (Object.keys(REFUSALS) as PartName[]).flatMap((part) =>
    (Object.keys(REFUSALS[part]) as Kind[]).map((kind) => ({ part, kind })),
  );

  it.each(cells)('$part, $kind: is refused, in the right words, and nothing is written', async ({ part, kind }) => {
    const folder = exchanged(part, kind);
    const head = part === 'store' && kind === 'empty' ? 0 : await headOf(folder);
    const [error, words] = REFUSALS[part][kind];
    const refusal = await startOf(folder);
    expect(refusal).toBeInstanceOf(error);
    expect(refusal!.message).toMatch(words);
    expect(await headOf(folder)).toBe(head);
    // The right data back, everything goes on by itself.
    if (kind === 'newer') for (const name of others(part)) exchange(name, folder, after);
    else exchange(part, folder, after);
    expect(await startOf(folder)).toBeNull();
  });

  /** What can be accepted as lost: what the entry names. Or how that is refused. */
  const ACCEPTED: Record<PartName, Record<Kind, readonly (keyof Lost)[] | RegExp>> = {
    store: {
      empty: ['store', 'log'],
      older: ['store', 'log'],
      newer: ['vault', 'access', 'logCopy'],
      "another's": /set SIJILL_EVENT_STORE to the right one/,
      // What was changed of keys in the fork is in no database here.
      forked: ['store', 'log', 'access'],
    },
    vault: {
      empty: /of this ledger vault cannot be found here/,
      older: ['vault'],
      newer: ['store', 'log'],
      "another's": /keyring is not the one that the vault was made with/,
      forked: /: the vault has gone on from an older copy/,
    },
    database: {
      empty: /database of keys and producers is not the one that the ledger .* was founded with/,
      older: ['access'],
      // The read models had read of changes of the vault that it lacks.
      newer: ['store', 'log', 'vault'],
      "another's": /is that of the ledger .*, and this keyring is of the ledger/,
      forked: /: the database of .* has gone on from an older copy/,
    },
    log: {
      empty: /the log is not the one that the ledger .* was founded with/,
      older: ['logCopy'],
      newer: ['store', 'log'],
      "another's": /the log is that of the ledger .*, and this keyring is of the ledger/,
      forked: /: the log has gone on from an older copy/,
    },
  };

  it.each(cells)(
    '$part, $kind: what can be accepted as lost is, on record, and the ledger goes on',
    async ({ part, kind }) => {
      const folder = exchanged(part, kind);
      await startOf(folder);
      const expected = ACCEPTED[part][kind];
      if (expected instanceof RegExp) return expect(acceptOn(folder)).rejects.toThrow(expected);
      const { entryId, lost, losses } = await acceptOn(folder);
      expect(Object.keys(lost).sort()).toEqual([...expected].sort());
      expect(losses).toBe(lost.store === undefined ? 0 : 1);
      await grown(folder);
      expect(await findingsOf(folder)).toEqual([]);
      await expect(acceptOn(folder)).rejects.toThrow('nothing is lost');
      const entry = await restoredIn(folder);
      expect(entry).toMatchObject({ id: entryId, foreign: false, data: { lost, has: ['reason'] } });
      expect(JSON.stringify(entry)).not.toContain(REASON);
    },
  );

  it('is finished by being asked for again, where accepting a loss was cut short', async () => {
    const folder = exchanged('store', 'older');
    await startOf(folder);
    for (const at of ['reading', 'growing the log'] as const) {
      await expect(acceptOn(folder, at)).rejects.toThrow(`cut short at ${at}`);
      // Once the log has begun anew, all that is left the next server does.
      if (at === 'reading') expect((await startOf(folder))?.message).toContain('that was cut short');
    }
    const whole = copyOf(folder);
    await grown(folder);
    expect(await findingsOf(folder)).toEqual([]);
    await expect(acceptOn(whole)).rejects.toThrow('nothing is lost');
    const { losses } = (await restoredIn(folder)).data;
    expect(losses).toBe(1);
  });

  it('accepts no loss where an entry was changed, and those behind it are there', async () => {
    const folder = copyOf(after);
    const db = new Database(join(folder, 'ledger.sqlite'));
    for (const { name } of db.prepare("select name from sqlite_master where type = 'trigger'").all() as {
      name: string;
    }[])
      db.exec(`drop trigger "${name}"`);
    db.exec("update entry set data = replace(data, 'carrier-najd', 'carrier-hejaz') where position = 8");
    db.close();
    await expect(acceptOn(folder)).rejects.toThrow(ChangedNotLost);
  });

  it('is followed from a checkpoint that was kept, over one loss and several, and from no other', async () => {
    const folder = copyOf(after);
    const kept = [await checkpointOf(folder)];
    const lose = async (store: string): Promise<void> => {
      exchange('store', folder, store);
      await acceptOn(folder);
      await grown(folder);
      kept.push(await checkpointOf(folder));
    };
    await lose(before);
    expect(await follow(folder, kept[0]!)).toMatchObject({ isWhole: true, losses: [{ losses: 1 }] });
    const between = copyOf(folder);
    await grown(folder);
    kept.push(await checkpointOf(folder));
    await lose(between);
    for (const [from, losses] of [
      [0, [1, 2]],
      [1, [2]],
      [2, [2]],
      [3, []],
    ] as const)
      expect(await follow(folder, kept[from]!)).toMatchObject({
        isWhole: true,
        losses: losses.map((n) => ({ losses: n })),
      });
    // One that somebody signed with the same keys, over other entries.
    await expect(follow(folder, await checkpointOf(longFork))).rejects.toThrow(ProofInvalid);
    // The entries of both losses are lost themselves.
    await lose(before);
    expect(await follow(folder, kept[0]!)).toMatchObject({ isWhole: false, losses: [{ losses: 3 }] });
    expect(await findingsOf(folder)).toEqual([]);
  });

  it('vault, older by a key that was destroyed and by no change: is refused, for the key would be back', async () => {
    const folder = copyOf(after);
    const whole = await WholeLedger.start({ SIJILL_DATA_DIR: folder });
    const { vault } = whole.ledger;
    const sequence = await vault.sequence();
    expect(await vault.tags.destroy(Date.now() + 100 * 86_400_000)).not.toEqual([]);
    expect(await vault.sequence()).toBe(sequence);
    await whole.stop();
    const destroyed = copyOf(folder);
    exchange('vault', folder, after);
    const refusal = await startOf(folder);
    expect(refusal).toBeInstanceOf(PartBehind);
    expect(refusal!.message).toMatch(
      /the vault is an older copy: it stands at change \d+ \(epoch 0\), .* \(epoch [1-9]/,
    );
    const lost = copyOf(folder);
    exchange('vault', folder, destroyed);
    expect(await startOf(folder)).toBeNull();
    // Where the vault with it destroyed is gone, that it is back can be accepted, on record.
    expect((await acceptOn(lost)).lost).toEqual({ destroyed: { after: 0, upTo: expect.any(Number) as number } });
    expect(await startOf(lost)).toBeNull();
    await expect(acceptOn(lost)).rejects.toThrow('nothing is lost');
  });

  it('goes on where only the read models are gone, or of another time: they are made again', async () => {
    const folder = copyOf(after);
    for (const from of [null, before]) {
      exchange('database', folder, from);
      const { cpSync } = await import('node:fs');
      cpSync(`${after}/access.sqlite`, `${folder}/access.sqlite`);
      expect(await startOf(folder)).toBeNull();
    }
  });
});

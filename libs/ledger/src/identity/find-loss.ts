import type { Access } from '@sijill/access';
import {
  assertHolds,
  drainedTo,
  LANES,
  leafHashOf,
  StoreNotOurs,
  type AuthenticStore,
  type MarkedEntry,
} from '@sijill/event-store';
import { lastAnnounced, type LogStore } from '@sijill/notary';
import { PartBehind } from '@sijill/platform';
import type { Known } from './assert-one-ledger.js';
import { highestVaultSequence } from '@sijill/read-models';
import { HASH_BYTES, TILE_WIDTH, toHex } from '@sijill/transparency';
import type { Vault } from '@sijill/vault';

/** A stretch of something that is counted: what stands behind `after`, up to `upTo`. */
export interface Stretch {
  readonly after: number;
  readonly upTo: number;
}

/** What of a ledger is gone. Absent what is whole. */
export interface Lost {
  /** Positions of the event store: the last entry that is known to be as it was, and the last that anybody knows of. */
  readonly store?: Stretch;
  /** Leaves that the log had, and how many of the first of them the store still has: in text, as other counts of leaves are. */
  readonly log?: { readonly leaves: string; readonly kept: string; readonly checkpoint: string | null };
  /** Changes of the vault that entries name. */
  readonly vault?: Stretch;
  /** Of the vault, how often something was destroyed that is there again. */
  readonly destroyed?: Stretch;
  /** Changes of keys and producers that stand in the ledger. */
  readonly access?: Stretch;
  /** Leaves that the log had announced: it is made again from the store, which has them. */
  readonly logCopy?: { readonly after: string; readonly upTo: string };
}

/** What is wrong is no loss: entries behind the first that differs are as they were. Somebody has changed the store. */
export class ChangedNotLost extends Error {
  override readonly name = 'ChangedNotLost';
}

/** What can lose something. */
export interface Losing {
  readonly store: AuthenticStore;
  readonly log: LogStore;
  readonly vault: Pick<Vault, 'sequence' | 'epoch'>;
  readonly access: Pick<Access, 'assertReached' | 'last' | 'vaultEpoch'>;
}

const BATCH = 2_000;

/**
 * Finds what is lost: compares the whole store with the log's leaves, and what store, vault, keys and log say of each other.
 *
 * @param known what the parts know of the store
 * @param onProgress is told the leaves that were compared, and how many there are
 * @throws ChangedNotLost
 */
export async function findLost(
  { store, log, vault, access }: Losing,
  { marks, vaultSequence }: Pick<Known, 'marks' | 'vaultSequence'>,
  onProgress: (done: number, of: number) => void = () => undefined,
): Promise<Lost> {
  const { size } = await log.head();
  const missed = await notHeld(store, marks);
  const found = await compared(store, log, size, onProgress);
  const isHeld = found.kept === size && missed.length === 0;
  const upTo = Math.max(0, ...marks.map(({ position }) => position));
  const named = Math.max(found.vaultSequence, vaultSequence);
  const told = await drainedTo(store, LANES.access);
  const [sequence, epoch, seen, last, announced] = [
    await vault.sequence(),
    await vault.epoch(),
    await access.vaultEpoch(),
    await access.last(),
    (await lastAnnounced(store))?.size ?? 0,
  ];
  return {
    ...(isHeld
      ? {}
      : {
          store: { after: Math.min(found.after, ...missed.map(({ position }) => position - 1)), upTo },
          log: {
            leaves: String(size),
            kept: String(found.kept),
            checkpoint: (await log.checkpoint())?.note ?? null,
          },
        }),
    ...(named > sequence ? { vault: { after: sequence, upTo: named } } : {}),
    ...(seen > epoch ? { destroyed: { after: epoch, upTo: seen } } : {}),
    ...((await isOlder(access, told)) ? { access: { after: last, upTo: told } } : {}),
    ...(announced > size ? { logCopy: { after: String(size), upTo: String(announced) } } : {}),
  };
}

interface Compared {
  /** Leaves that the store has as they were, from the first on, and the position of the last of them. */
  readonly kept: number;
  readonly after: number;
  /** The highest number of a change of the vault that an entry of the store names. */
  readonly vaultSequence: number;
}

async function compared(
  store: AuthenticStore,
  log: LogStore,
  size: number,
  onProgress: (done: number, of: number) => void,
): Promise<Compared> {
  let [kept, after, index, vaultSequence, differs] = [0, 0, 0, 0, false];
  let lost: Set<string> | null = null;
  for await (const batch of store.readAll({ batchSize: BATCH })) {
    vaultSequence = Math.max(vaultSequence, highestVaultSequence(batch));
    const leaves = await leavesOf(log, index, Math.min(batch.length, Math.max(0, size - index)));
    for (const [i, entry] of batch.entries()) {
      const leaf = leafHashOf(entry);
      differs ||= index + i < size && leaves[i] !== leaf;
      if (differs) {
        lost ??= new Set(await leavesOf(log, kept, size - kept));
        if (lost.has(leaf))
          throw new ChangedNotLost(
            `leaf ${kept} of the log is not in the store, and an entry that was signed behind it is, at position ${entry.position}: its end was ` +
              'not lost, but something was changed or taken out. "sijill verify store" names it; put the right data back',
          );
      } else if (index + i < size) [kept, after] = [index + i + 1, entry.position];
      else after = entry.position;
    }
    index += batch.length;
    onProgress(Math.min(index, size), size);
  }
  return { kept, after, vaultSequence };
}

/** The hashes of some leaves, in hex. */
async function leavesOf(log: LogStore, from: number, count: number): Promise<string[]> {
  const leaves: string[] = [];
  for (let at = from; at < from + count; at += TILE_WIDTH) {
    const some = Math.min(TILE_WIDTH, from + count - at);
    const hashes = await log.leafHashes(at, some);
    for (let i = 0; i < some; i++) leaves.push(toHex(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES)));
  }
  return leaves;
}

/** Those that the store does not hold. @throws PartBehind others are as they should be, and further on: then it is not the store's loss */
async function notHeld(store: AuthenticStore, marks: readonly MarkedEntry[]): Promise<MarkedEntry[]> {
  const missed: MarkedEntry[] = [];
  for (const some of [marks, ...marks.map((mark) => [mark])])
    try {
      await assertHolds(store, some);
      if (some === marks) return [];
    } catch (error) {
      if (!(error instanceof StoreNotOurs)) throw error;
      if (some !== marks) missed.push(...some);
    }
  return missed;
}

async function isOlder(access: Losing['access'], told: number): Promise<boolean> {
  try {
    await access.assertReached(told);
    return false;
  } catch (error) {
    if (error instanceof PartBehind) return true;
    throw error;
  }
}

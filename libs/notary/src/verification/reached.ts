import { formatVerifierKey, isRefusal, TILE_WIDTH, toHex, treeRoot, type Trust } from '@sijill/transparency';
import type { LogStore } from '../log-store.js';
import { fromTiles } from '../prove.js';

/**
 * How far a run has come, for another to go on from. It is kept where whoever changes the store may change it too: it can make a run
 * cover less, and so a run says what it covers.
 */
export interface Reached {
  /** Full tiles of level 0 that were compared, from the first on, and in which nothing was found. */
  readonly tile: number;
  /** The log that it is about: its size then, the root of these leaves in hex, and whose signatures counted. */
  readonly size: number;
  readonly root: string;
  readonly keys: readonly string[];
}

/** What a run that has come nowhere yet says of itself. */
export async function beginning(log: LogStore, size: number, trust: Trust): Promise<Reached> {
  return { tile: 0, size, root: (await rootOf(log, size)) ?? '', keys: keysOf(trust) };
}

/**
 * The tile from which to go on by what an earlier run has noted; 0 where it is not about this log and these keys, or says more than it can.
 *
 * @param note whatever was found where notes are kept
 */
export async function tileToGoOnFrom(log: LogStore, size: number, trust: Trust, note: unknown): Promise<number> {
  const given = (note ?? {}) as Partial<Record<keyof Reached, unknown>>;
  if (!isCount(given.tile) || !isCount(given.size) || given.size > size) return 0;
  if (given.tile > Math.floor(given.size / TILE_WIDTH)) return 0;
  if (JSON.stringify(given.keys) !== JSON.stringify(keysOf(trust))) return 0;
  return given.root === (await rootOf(log, given.size)) ? given.tile : 0;
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function keysOf({ log }: Trust): string[] {
  return log.map(formatVerifierKey).sort();
}

/** Null where the tiles do not even have one. */
async function rootOf(log: LogStore, size: number): Promise<string | null> {
  try {
    return toHex(await fromTiles(log, (read) => treeRoot(BigInt(size), read)));
  } catch (error) {
    if (isRefusal(error)) return null;
    throw error;
  }
}

import {
  authenticatorHolds,
  foreignDigest,
  foreignLeafText,
  PositionNotFound,
  unknownKeyOf,
  type EntryAuthenticator,
  type KeylessStore,
  type LeafBytes,
  type RawEvent,
} from '@sijill/event-store';
import { HASH_BYTES, hashLeaves, hashLeafText, sameBytes, TILE_WIDTH, tileRoot, tileWidth } from '@sijill/transparency';
import type { LogStore } from '../log-store.js';
import { brokenSeal } from './sealed-parts.js';

/** What is not as it was signed. */
export interface Finding {
  /** What was found wrong: an entry of the store, a tile of the log beside it, a checkpoint, a map of subjects, or a key of the log. */
  readonly what: 'entry' | 'tile' | 'checkpoint' | 'map' | 'key';
  /** The leaf, or for a checkpoint and the map beside the log its size. Findings are told in this order. */
  readonly index: number;
  readonly detail: string;
}

/** Events that somebody else has put into the ledger's lanes, and that are leaves as what they are. */
export interface ForeignFound {
  readonly events: number;
  /** The first one; null when there is none. */
  readonly first: { readonly index: number; readonly lane: string; readonly revision: number } | null;
}

export const NONE_FOREIGN: ForeignFound = { events: 0, first: null };

export function bothForeign(one: ForeignFound, other: ForeignFound): ForeignFound {
  const first = [one.first, other.first].filter((each) => each !== null).sort((a, b) => a.index - b.index)[0];
  return { events: one.events + other.events, first: first ?? null };
}

/** Tiles of level 0, the last one not included. */
export interface TileRange {
  readonly from: number;
  readonly to: number;
}

export interface RangeChecked {
  readonly finding: Finding | null;
  /** Bytes of leaves and sealed parts that were hashed. */
  readonly bytes: number;
  readonly foreign: ForeignFound;
}

/**
 * Compares entries of the store with the leaves of some tiles, one by one, and each whole tile with its hash in the tile above. The
 * sealed parts that are stored beside a leaf are compared with the hashes that it has of them. An event whose leaf is that of a foreign
 * one is what was signed, and is counted.
 *
 * @param size leaves of the log
 * @param authenticator with it the authenticators are checked too: one that was damaged makes an entry foreign to whoever has the
 *   keyring, though its leaf is what it was
 */
export async function checkRange(
  store: KeylessStore,
  log: LogStore,
  size: number,
  { from, to }: TileRange,
  authenticator?: EntryAuthenticator,
): Promise<RangeChecked> {
  const [tiles, above] = [await log.leafTiles(from, to), await hashesAbove(log, size, { from, to })];
  const after = from === 0 ? 0 : ((await log.positionsOf(from - 1)).at(-1) ?? 0);
  // As many at once as a tile has leaves, so that each batch is one tile's.
  const batches = store.events.readLeaves({ after, batchSize: TILE_WIDTH })[Symbol.asyncIterator]();
  let bytes = 0;
  let foreign = NONE_FOREIGN;
  const checked = (finding: Finding | null): RangeChecked => ({ finding, bytes, foreign });
  try {
    for (let tile = from; tile < to; tile++) {
      const first = tile * TILE_WIDTH;
      const width = tileWidth({ level: 0, index: BigInt(tile) }, BigInt(size));
      const { hashes: kept, positions } = tiles.get(tile) ?? { hashes: new Uint8Array(), positions: [] };
      const finding = (index: number, detail: string): RangeChecked =>
        checked({ what: 'tile', index, detail: `tile 0/${tile} ${detail}` });
      if (kept.length < width * HASH_BYTES) return finding(first, 'is not there, or cut');
      const next = await batches.next();
      const leaves = next.done === true ? NO_LEAVES : next.value;
      const lengths = leaves.lengths.slice(0, width);
      const found = hashLeaves(leaves.bytes, lengths);
      bytes += lengths.reduce((sum, length) => sum + length - 1, 0);
      // Foreign ones are few, and only where something differs can there be one.
      const events = new Lazily(() => eventsFrom(store, leaves.positions[0]));
      const strange = await foreignAmong(found, kept, events);
      foreign = bothForeign(foreign, {
        events: strange.size,
        first:
          [...strange].map(([i, { stream, revision }]) => ({ index: first + i, lane: stream, revision }))[0] ?? null,
      });
      const wrong = Math.floor(firstDifference(found, kept) / HASH_BYTES);
      const moved = firstDifference(leaves.positions, positions);
      const signed = above.get(tile);
      const tileHolds = signed === undefined || sameBytes(tileRoot(kept), signed);
      if (wrong < width && wrong <= moved) {
        // The tile above speaks for the store: then it is the tile that was changed.
        if (!tileHolds && sameBytes(tileRoot(found), signed)) return finding(first + wrong, 'was changed');
        return checked(wrongEntry(size, first + wrong, (await events.get())[wrong]));
      }
      if (moved < width) return finding(first + moved, `has leaf ${first + moved} at another position`);
      if (!tileHolds) return finding(first, 'or the tile above it was changed');
      const beside = await wrongBeside(leaves, width, strange, events, authenticator);
      bytes += beside.bytes;
      if (beside.wrong !== null) {
        const { at, detail } = beside.wrong;
        return checked({ what: 'entry', index: first + at, detail: `${named((await events.get())[at]!)} ${detail}` });
      }
    }
    return checked(null);
  } catch (error) {
    // Where the last leaf of the tile before should stand.
    if (!(error instanceof PositionNotFound) || error.position !== after) throw error;
    const detail = `the store has no entry at position ${after}, where that leaf should stand`;
    return checked({ what: 'entry', index: from * TILE_WIDTH - 1, detail });
  } finally {
    await batches.return?.();
  }
}

const NO_LEAVES: LeafBytes = {
  bytes: new Uint8Array(),
  lengths: [],
  stored: new Uint8Array(),
  beside: [],
  positions: [],
};

/** The events of one tile, read when they are first asked for. */
class Lazily {
  private events: Promise<readonly RawEvent[]> | null = null;

  constructor(private readonly read: () => Promise<readonly RawEvent[]>) {}

  get(): Promise<readonly RawEvent[]> {
    return (this.events ??= this.read());
  }
}

async function eventsFrom(store: KeylessStore, from: number | undefined): Promise<readonly RawEvent[]> {
  if (from === undefined) return [];
  for await (const events of store.events.readAll({ from, batchSize: TILE_WIDTH })) return events;
  return [];
}

/**
 * The events whose leaves are those of foreign ones, each by its place among these; their hashes are put in the place of those that
 * they would have as entries.
 */
async function foreignAmong(found: Uint8Array, kept: Uint8Array, events: Lazily): Promise<Map<number, RawEvent>> {
  const strange = new Map<number, RawEvent>();
  if (firstDifference(found, kept) === found.length) return strange;
  for (let i = 0; i < found.length / HASH_BYTES; i++) {
    const at = i * HASH_BYTES;
    const signed = kept.subarray(at, at + HASH_BYTES);
    if (sameBytes(found.subarray(at, at + HASH_BYTES), signed)) continue;
    const event = (await events.get())[i];
    if (event === undefined) break;
    const hash = hashLeafText(foreignLeafText({ ...event, sha256: foreignDigest(event) }));
    if (!sameBytes(hash, signed)) continue;
    strange.set(i, event);
    found.set(hash, at);
  }
  return strange;
}

/** The first of the leaves beside which something else is stored than what was. */
async function wrongBeside(
  leaves: LeafBytes,
  width: number,
  strange: ReadonlyMap<number, RawEvent>,
  events: Lazily,
  authenticator: EntryAuthenticator | undefined,
): Promise<{ readonly wrong: { readonly at: number; readonly detail: string } | null; readonly bytes: number }> {
  const [all, stored] = [bufferOf(leaves.bytes), bufferOf(leaves.stored)];
  let [from, bytes] = [0, 0];
  for (let i = 0; i < width; i++) {
    const [to, beside] = [from + leaves.lengths[i]!, leaves.beside[i]!];
    const broken = strange.has(i) ? null : brokenSeal(all, [from, to], stored, beside);
    if (broken !== null) return { bytes, wrong: { at: i, detail: broken } };
    bytes += beside[1] - beside[0];
    from = to;
  }
  if (authenticator === undefined) return { bytes, wrong: null };
  const wrong = await unauthenticated(authenticator, width, strange, events);
  if (wrong < 0) return { bytes, wrong: null };
  const unknownKey = unknownKeyOf((await events.get())[wrong]!, authenticator);
  const detail =
    unknownKey === null
      ? 'has an authenticator that does not hold: to the ledger it is foreign'
      : `has an authenticator under the key ${unknownKey}, which this keyring lacks: to a ledger with this keyring it is foreign; check again with the newest one`;
  return { bytes, wrong: { at: wrong, detail } };
}

async function unauthenticated(
  authenticator: EntryAuthenticator,
  width: number,
  strange: ReadonlyMap<number, RawEvent>,
  events: Lazily,
): Promise<number> {
  const own = (await events.get()).slice(0, width);
  return own.findIndex((event, i) => !strange.has(i) && !authenticatorHolds(event, authenticator));
}

function bufferOf({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/** Where two lists begin to differ: at the end of the shorter one, if not before. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** Names the entry that is not what was signed. */
function wrongEntry(size: number, index: number, event: RawEvent | undefined): Finding {
  const detail =
    event === undefined
      ? `the store ends here, and ${size} entries were signed`
      : `${named(event)} is not what was signed as leaf ${index}`;
  return { what: 'entry', index, detail };
}

function named({ id, stream, revision }: RawEvent): string {
  return `entry ${id} (${stream}@${revision})`;
}

/** Of the full tiles among these: their hashes as the tiles of level 1 have them. */
async function hashesAbove(log: LogStore, size: number, { from, to }: TileRange): Promise<Map<number, Uint8Array>> {
  const above = new Map<number, Uint8Array>();
  const first = Math.floor(from / TILE_WIDTH);
  const places = Array.from({ length: Math.floor((to - 1) / TILE_WIDTH) - first + 1 }, (_, i) => BigInt(first + i));
  const tiles = await log.tiles(places.map((index) => ({ level: 1, index })));
  for (let tile = from; tile < Math.min(to, Math.floor(size / TILE_WIDTH)); tile++) {
    const at = (tile % TILE_WIDTH) * HASH_BYTES;
    above.set(tile, (tiles[Math.floor(tile / TILE_WIDTH) - first] ?? new Uint8Array()).subarray(at, at + HASH_BYTES));
  }
  return above;
}

import type { EventStore, LeafBytes } from '@sijill/event-store';
import { HASH_BYTES, hashLeaves, sameBytes, TILE_WIDTH, tileRoot, tileWidth } from '@sijill/transparency';
import type { LogStore } from '../log-store.js';
import { entryAt } from '../store-entries.js';

/** What is not as it was signed. */
export interface Finding {
  /** What was found wrong: an entry of the store, a tile of the log beside it, a checkpoint, a map of subjects, or a key of the log. */
  readonly what: 'entry' | 'tile' | 'checkpoint' | 'map' | 'key';
  /** The leaf, or for a checkpoint and the map beside the log its size. Findings are told in this order. */
  readonly index: number;
  readonly detail: string;
}

/** Tiles of level 0, the last one not included. */
export interface TileRange {
  readonly from: number;
  readonly to: number;
}

export interface RangeChecked {
  readonly finding: Finding | null;
  /** Bytes of leaves that were hashed. */
  readonly bytes: number;
}

/**
 * Compares entries of the store with the leaves of some tiles, one by one, and each whole tile with its hash in the tile above.
 *
 * @param size leaves of the log
 */
export async function checkRange(
  store: EventStore,
  log: LogStore,
  size: number,
  { from, to }: TileRange,
): Promise<RangeChecked> {
  const [tiles, above] = [await log.leafTiles(from, to), await hashesAbove(log, size, { from, to })];
  const after = from === 0 ? 0 : ((await log.positionsOf(from - 1)).at(-1) ?? 0);
  // As many at once as a tile has leaves, so that each batch is one tile's.
  const batches = store.readLeaves({ after, batchSize: TILE_WIDTH })[Symbol.asyncIterator]();
  let bytes = 0;
  try {
    for (let tile = from; tile < to; tile++) {
      const first = tile * TILE_WIDTH;
      const width = tileWidth({ level: 0, index: BigInt(tile) }, BigInt(size));
      const { hashes: kept, positions } = tiles.get(tile) ?? { hashes: new Uint8Array(), positions: [] };
      const finding = (index: number, detail: string): RangeChecked => ({
        bytes,
        finding: { what: 'tile', index, detail: `tile 0/${tile} ${detail}` },
      });
      if (kept.length < width * HASH_BYTES) return finding(first, 'is not there, or cut');
      const next = await batches.next();
      const leaves = next.done === true ? NO_LEAVES : next.value;
      const lengths = leaves.lengths.slice(0, width);
      const found = hashLeaves(leaves.bytes, lengths);
      bytes += lengths.reduce((sum, length) => sum + length - 1, 0);
      const wrong = Math.floor(firstDifference(found, kept) / HASH_BYTES);
      const moved = firstDifference(leaves.positions, positions);
      const signed = above.get(tile);
      const tileHolds = signed === undefined || sameBytes(tileRoot(kept), signed);
      if (wrong < width && wrong <= moved) {
        // The tile above speaks for the store: then it is the tile that was changed.
        if (!tileHolds && sameBytes(tileRoot(found), signed)) return finding(first + wrong, 'was changed');
        return { bytes, finding: await wrongEntry(store, size, first + wrong, leaves, wrong) };
      }
      if (moved < width) return finding(first + moved, `has leaf ${first + moved} at another position`);
      if (!tileHolds) return finding(first, 'or the tile above it was changed');
    }
    return { bytes, finding: null };
  } finally {
    await batches.return?.();
  }
}

const NO_LEAVES: LeafBytes = { bytes: new Uint8Array(), lengths: [], positions: [] };

/** Where two lists begin to differ: at the end of the shorter one, if not before. */
function firstDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  let at = 0;
  while (at < a.length && a[at] === b[at]) at++;
  return at;
}

/** Names the entry that is not what was signed. */
async function wrongEntry(
  store: EventStore,
  size: number,
  index: number,
  { positions }: LeafBytes,
  at: number,
): Promise<Finding> {
  const position = positions[at];
  if (position === undefined)
    return { what: 'entry', index, detail: `the store ends here, and ${size} entries were signed` };
  const { id, stream, revision } = await entryAt(store, position);
  return {
    what: 'entry',
    index,
    detail: `entry ${id} (${stream}@${revision}) is not what was signed as leaf ${index}`,
  };
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

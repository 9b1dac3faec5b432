import { leafText, type EventStore } from '@sijill/event-store';
import { HASH_BYTES, hashLeafText, sameBytes, TILE_WIDTH, tileRoot, tileWidth } from '@sijill/transparency';
import type { LogStore } from '../log-store.js';

/** What is not as it was signed. */
export interface Finding {
  /** What was found wrong: an entry of the store, a tile of the log beside it, a checkpoint, or a map of subjects. */
  readonly what: 'entry' | 'tile' | 'checkpoint' | 'map';
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
  const places = Array.from({ length: to - from }, (_, i) => ({ level: 0, index: BigInt(from + i) }));
  const [tiles, above] = [await log.tiles(places), await hashesAbove(log, size, { from, to })];
  const after = from === 0 ? 0 : ((await log.positionsOf(from - 1)).at(-1) ?? 0);
  // As many at once as a tile has leaves, so that each batch is one tile's.
  const batches = store.readTexts({ after, batchSize: TILE_WIDTH })[Symbol.asyncIterator]();
  let bytes = 0;
  try {
    for (let tile = from; tile < to; tile++) {
      const kept = tiles[tile - from] ?? new Uint8Array();
      const width = tileWidth({ level: 0, index: BigInt(tile) }, BigInt(size));
      const positions = await log.positionsOf(tile);
      const first = tile * TILE_WIDTH;
      if (kept.length < width * HASH_BYTES)
        return { bytes, finding: { what: 'tile', index: first, detail: `tile 0/${tile} is not there, or cut` } };
      const found = new Uint8Array(width * HASH_BYTES);
      let wrong: Finding | null = null;
      const next = await batches.next();
      const entries = next.done === true ? [] : next.value;
      for (let i = 0; i < width; i++) {
        const index = first + i;
        const entry = entries[i];
        if (entry === undefined) {
          wrong ??= { what: 'entry', index, detail: `the store ends here, and ${size} entries were signed` };
          break;
        }
        const leaf = leafText(entry);
        bytes += Buffer.byteLength(leaf);
        const hash = hashLeafText(leaf);
        found.set(hash, i * HASH_BYTES);
        const isKept = sameBytes(hash, kept.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
        if (!isKept)
          wrong ??= {
            what: 'entry',
            index,
            detail: `entry ${entry.id} (${entry.stream}@${entry.revision}) is not what was signed as leaf ${index}`,
          };
        else if (positions[i] !== entry.position)
          wrong ??= { what: 'tile', index, detail: `tile 0/${tile} has leaf ${index} at another position` };
      }
      const signed = above.get(tile);
      if (signed === undefined) {
        if (wrong !== null) return { bytes, finding: wrong };
        continue;
      }
      const tileHolds = sameBytes(tileRoot(kept), signed);
      // The tile above speaks for the store: then it is the tile that was changed.
      if (wrong?.what === 'entry' && !tileHolds && sameBytes(tileRoot(found), signed))
        return { bytes, finding: { what: 'tile', index: wrong.index, detail: `tile 0/${tile} was changed` } };
      if (wrong !== null) return { bytes, finding: wrong };
      if (!tileHolds)
        return {
          bytes,
          finding: { what: 'tile', index: first, detail: `tile 0/${tile} or the tile above it was changed` },
        };
    }
    return { bytes, finding: null };
  } finally {
    await batches.return?.();
  }
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

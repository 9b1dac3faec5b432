import { FormatInvalid } from '../primitives/bytes.js';
import { HASH_BYTES, hashPair } from '../tree/hashing.js';
import type { ReadHash, Subtree } from '../tree/subtrees.js';

/** Hashes of one full tile. C2SP tlog-tiles. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

/** Where a tile stands: at level L it holds hashes of subtrees of 256^L leaves, 256 of them, or fewer at the tree's right edge. */
export interface TilePlace {
  readonly level: number;
  readonly index: bigint;
}

/** A tile's hashes, one behind the other. C2SP tlog-tiles. */
export interface Tile extends TilePlace {
  readonly hashes: Uint8Array;
}

/** How many hashes the tile at a place has in a tree of `size` leaves: 0 when there is none, 256 when it is full. */
export function tileWidth({ level, index }: TilePlace, size: bigint): number {
  const hashes = (size >> BigInt(TILE_HEIGHT * level)) - index * BigInt(TILE_WIDTH);
  return hashes <= 0n ? 0 : hashes >= BigInt(TILE_WIDTH) ? TILE_WIDTH : Number(hashes);
}

/** All tiles of a tree, from the leaves upwards, each level from the left. */
export function* tilesOf(size: bigint): Generator<TilePlace & { readonly width: number }> {
  for (let level = 0; size >> BigInt(TILE_HEIGHT * level) > 0n; level++)
    for (let index = 0n; ; index++) {
      const width = tileWidth({ level, index }, size);
      if (width === 0) break;
      yield { level, index, width };
    }
}

/** The tile that a subtree's hash is in, or can be computed from. */
export function tileOf({ level, index }: Subtree): TilePlace {
  const inside = BigInt(level % TILE_HEIGHT);
  return { level: Math.floor(level / TILE_HEIGHT), index: index >> (BigInt(TILE_HEIGHT) - inside) };
}

/**
 * The hash of a subtree, out of its tile.
 *
 * @throws FormatInvalid the tile is too short for it
 */
export function hashInTile({ level, index }: Subtree, hashes: Uint8Array): Uint8Array {
  const inside = level % TILE_HEIGHT;
  const count = 1 << inside;
  const first = Number((index << BigInt(inside)) & BigInt(TILE_WIDTH - 1));
  if ((first + count) * HASH_BYTES > hashes.length) throw new FormatInvalid('a tile is too short for its tree');
  return rootOf(hashes, first, count);
}

/** The hash of a full tile in the tile above it. */
export function tileRoot(hashes: Uint8Array): Uint8Array {
  return rootOf(hashes, 0, TILE_WIDTH);
}

/** The root over `count` hashes, a power of two, of a tile: each level is written over the one below it. */
function rootOf(hashes: Uint8Array, first: number, count: number): Uint8Array {
  const level = hashes.slice(first * HASH_BYTES, (first + count) * HASH_BYTES);
  for (let width = count / 2; width >= 1; width /= 2)
    for (let i = 0; i < width; i++) hashPair(level, 2 * i * HASH_BYTES, i * HASH_BYTES);
  return level.slice(0, HASH_BYTES);
}

/** Hashes of subtrees by their names, as many as are remembered. A subtree is complete, and never has another hash. */
export interface KnownHashes {
  get(subtree: string): Uint8Array | undefined;
  set(subtree: string, hash: Uint8Array): unknown;
}

/**
 * Answers from tiles that are read only when it is known which: the work runs once to find out what it asks for, then on the
 * hashes. It must ask for the same whatever it is answered, as roots and proofs do.
 *
 * @param load  the hashes of these tiles, in their order; each is asked for once
 * @param known is asked first and told what was computed above the tiles of the leaves, where many proofs need the same. Not for
 *   whoever judges the tiles
 */
export async function withTiles<T>(
  work: (read: ReadHash) => T,
  load: (places: readonly TilePlace[]) => Promise<readonly Uint8Array[]>,
  known: KnownHashes = new Map<string, Uint8Array>(),
): Promise<T> {
  const places = new Map<string, TilePlace>();
  const hashes = new Map<string, Uint8Array>();
  const nothing = new Uint8Array(HASH_BYTES);
  work((subtree) => {
    const hash = known.get(nameOf(subtree));
    const place = tileOf(subtree);
    // Taken now: what is remembered may be forgotten while tiles are read.
    if (hash !== undefined) hashes.set(nameOf(subtree), hash);
    else places.set(nameOf(place), place);
    return nothing;
  });
  const names = [...places.keys()];
  const loaded = await load([...places.values()]);
  const tiles = new Map(names.map((name, i) => [name, loaded[i]!]));
  return work((subtree) => {
    const name = nameOf(subtree);
    let hash = hashes.get(name);
    if (hash === undefined) {
      hash = hashInTile(subtree, tiles.get(nameOf(tileOf(subtree)))!);
      if (subtree.level > TILE_HEIGHT) known.set(name, hash);
    }
    return hash;
  });
}

function nameOf({ level, index }: TilePlace): string {
  return `${level}/${index}`;
}

import { FormatInvalid } from '../primitives/bytes.js';
import { HASH_BYTES } from '../tree/hashing.js';
import { bitOf, EMPTY } from './map-hashing.js';
import { MapGrowth } from './map-growth.js';
import type { MapProof } from './map-proof.js';
import {
  assertTile,
  DIGIT_BITS,
  digitOf,
  DIGITS,
  HASH_AT,
  hashFrom,
  hasSubjects,
  innerNodes,
  lastOf,
  populationOf,
  prefixBelow,
  recordAt,
  RECORDS_AT,
  runsOf,
  sameHash,
  splitAt,
  subjectFrom,
  topOf,
} from './map-tiles.js';
import { sortEntries, type SubjectEntry } from './sorted-entries.js';

/** Where the tiles of a map are kept. */
export interface MapTiles {
  /**
   * The tiles at these prefixes, as many as there are; all as of one moment, also over several calls for one proof.
   *
   * @param prefixes hexadecimal digits, 0 to 64 of them; any number of prefixes
   */
  read(prefixes: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>>;
}

/** Where the chain of an entry's subject goes on: the leaf before it, or null when it is the first. */
export interface ChainLink {
  readonly leafIndex: bigint;
  readonly previous: bigint | null;
}

/** What a batch of entries makes of a map. */
export interface MapChange {
  readonly root: Uint8Array;
  /** Subjects that the map did not have before. */
  readonly added: number;
  /** The tiles to write, by their prefixes; each replaces the one that was there. */
  readonly written: ReadonlyMap<string, Uint8Array>;
  /** One for each entry. */
  readonly links: readonly ChainLink[];
}

/** What a map holds for a key. */
export interface ProvenKey {
  readonly root: Uint8Array;
  readonly proof: MapProof;
  /** The last leaf of the key's subject; null when the map has no such subject. Not proven: its head is. */
  readonly last: bigint | null;
}

/** A tile on the way to some keys, and the node of the tile above that it is the top of. */
interface Wanted {
  readonly prefix: string;
  readonly from: number;
  readonly to: number;
  readonly above?: { readonly tile: Uint8Array; readonly node: number };
}

/** Tiles of hashes with prefixes up to this long are remembered: 1 + 16 + 256 + 4,096 of them at most, 1 KB each. */
const REMEMBERED_DIGITS = 3;

/**
 * The head of every subject's chain in a sparse Merkle map. A key's bits, the most significant first, lead from the root to its
 * subject. A subtree of one subject is that subject's hash, at whatever height; one of none is 32 zero bytes.
 *
 * Nothing is written here: who has a change writes its tiles, with the position they belong to, in a transaction. When that fails,
 * or another writes in between, nothing need be undone, since a tile that is remembered counts only if the tile above it, and in the
 * end the root that was read, has its hash.
 */
export class SubjectMap {
  private readonly remembered = new Map<string, Uint8Array>();

  constructor(private readonly tiles: MapTiles) {}

  /**
   * Adds entries to the chains of their subjects.
   *
   * @param entries those of one subject in the order of the log, each behind all that the map has of the subject
   * @throws RangeError they are not in that order, or no hashes
   * @throws FormatInvalid the map is damaged
   */
  async extend(entries: Iterable<SubjectEntry>): Promise<MapChange> {
    const sorted = sortEntries(entries);
    const growth = new MapGrowth(await this.load(sorted.keys), sorted);
    const root = growth.grow();
    for (const [prefix, tile] of growth.written) this.remember(prefix, tile);
    const links = sorted.leaves.map(({ leafIndex }, i) => ({ leafIndex, previous: leafBefore(growth.before[i]!) }));
    return { root, added: growth.added, written: growth.written, links };
  }

  /**
   * The proof of what the map holds for a key, the root it leads to, and the last leaf of the key's subject.
   *
   * @throws FormatInvalid the map is damaged
   */
  async prove(key: Uint8Array): Promise<ProvenKey> {
    assertHash(key);
    const tiles = await this.load(key);
    const top = tiles.get('');
    const root = top === undefined ? EMPTY : hashFrom(top, topOf(top));
    const siblings: Uint8Array[] = [];
    let prefix = '';
    for (let tile = top; tile !== undefined; tile = tiles.get(prefix)) {
      if (hasSubjects(tile)) {
        const at = findInSubjects(tile, key, prefix, siblings);
        return { root, ...foundAt(tile, at, key, siblings) };
      }
      const node = findInHashes(tile, key, prefix, siblings);
      if (tile[node] === 1) {
        const only = prefixBelow(prefix, onlyDigitBelow(tile, node));
        // It may be on another way than the key's.
        const below = (await this.read([{ prefix: only, from: 0, to: 1, above: { tile, node } }])).get(only)!;
        return { root, ...foundAt(below, 0, key, siblings) };
      }
      if (tile[node] === 0) break;
      prefix = prefixBelow(prefix, node - DIGITS);
    }
    return { root, proof: { siblings, found: null }, last: null };
  }

  /** All tiles on the ways from the root to these keys, which are in order, one behind the other. */
  private async load(keys: Uint8Array): Promise<Map<string, Uint8Array>> {
    const tiles = new Map<string, Uint8Array>();
    let wanted: Wanted[] = [{ prefix: '', from: 0, to: keys.length / HASH_BYTES }];
    while (wanted.length > 0) {
      const read = await this.read(wanted);
      const below: Wanted[] = [];
      for (const { prefix, from, to } of wanted) {
        const tile = read.get(prefix);
        if (tile === undefined) continue;
        tiles.set(prefix, tile);
        if (hasSubjects(tile)) continue;
        for (const run of runsOf(from, to, (i) => digitOf(keys, i * HASH_BYTES, prefix.length))) {
          const node = DIGITS + run.digit;
          if (tile[node] !== 0)
            below.push({ prefix: prefixBelow(prefix, run.digit), from: run.from, to: run.to, above: { tile, node } });
        }
      }
      wanted = below;
    }
    return tiles;
  }

  /** Tiles whose hashes are those that the tiles above them have. Only the root's may not be there. */
  private async read(wanted: readonly Wanted[]): Promise<Map<string, Uint8Array>> {
    const tiles = new Map<string, Uint8Array>();
    for (const { prefix, above } of wanted) {
      const tile = this.remembered.get(prefix);
      if (tile !== undefined && isBelow(tile, above)) tiles.set(prefix, tile);
    }
    const missing = wanted.filter(({ prefix }) => !tiles.has(prefix));
    if (missing.length === 0) return tiles;
    const read = await this.tiles.read(missing.map(({ prefix }) => prefix));
    for (const { prefix, above } of missing) {
      const tile = read.get(prefix);
      if (tile === undefined && above === undefined) continue;
      if (tile === undefined) throw new FormatInvalid(`the map's tile ${prefix} is missing`);
      assertTile(prefix, tile);
      if (above !== undefined && !isBelow(tile, above))
        throw new FormatInvalid(`the map's tile ${prefix} is not the one that the tile above it has the hash of`);
      tiles.set(prefix, tile);
      this.remember(prefix, tile);
    }
    return tiles;
  }

  private remember(prefix: string, tile: Uint8Array): void {
    if (prefix.length <= REMEMBERED_DIGITS && !hasSubjects(tile)) this.remembered.set(prefix, tile);
  }
}

/** Whether a tile is the one that the tile above has the hash of. That of the root has none above, and is read each time. */
function isBelow(tile: Uint8Array, above: Wanted['above']): boolean {
  if (above === undefined) return false;
  const { node, tile: upper } = above;
  return populationOf(tile) === upper[node] && sameHash(tile, topOf(tile), upper, node * HASH_BYTES);
}

/** Goes down a tile of hashes as far as there is more than one subject, and returns the node where it ends. */
function findInHashes(tile: Uint8Array, key: Uint8Array, prefix: string, siblings: Uint8Array[]): number {
  let node = 1;
  for (let depth = DIGIT_BITS * prefix.length; node < DIGITS && tile[node] === 2; depth++) {
    node = 2 * node + bitOf(key, 0, depth);
    siblings.push(hashFrom(tile, (node ^ 1) * HASH_BYTES));
  }
  return node;
}

/** Goes down a tile of subjects to the one that is where the key would be; null when there is none. */
function findInSubjects(tile: Uint8Array, key: Uint8Array, prefix: string, siblings: Uint8Array[]): number | null {
  let [from, to, inner] = [0, tile[0]!, recordAt(tile[0]!)];
  const hashOf = (first: number, end: number, at: number): Uint8Array =>
    first === end ? EMPTY : hashFrom(tile, end - first === 1 ? recordAt(first) + HASH_AT : at);
  for (let depth = DIGIT_BITS * prefix.length; to - from > 1; depth++) {
    const middle = splitAt(tile, RECORDS_AT, from, to, depth);
    const left = inner + HASH_BYTES;
    const right = left + HASH_BYTES * innerNodes(tile, RECORDS_AT, from, middle, depth + 1);
    if (bitOf(key, 0, depth) === 1) {
      siblings.push(hashOf(from, middle, left));
      [from, inner] = [middle, right];
    } else {
      siblings.push(hashOf(middle, to, right));
      [to, inner] = [middle, left];
    }
  }
  return from === to ? null : from;
}

function foundAt(
  tile: Uint8Array,
  index: number | null,
  key: Uint8Array,
  siblings: readonly Uint8Array[],
): Omit<ProvenKey, 'root'> {
  if (index === null) return { proof: { siblings, found: null }, last: null };
  const found = subjectFrom(tile, index);
  const isTheKeys = sameHash(found.key, 0, key, 0);
  return { proof: { siblings, found }, last: isTheKeys ? leafBefore(lastOf(tile, recordAt(index))) : null };
}

/** The leaf before a place; none before the first. */
function leafBefore(place: bigint): bigint | null {
  return place === 0n ? null : place - 1n;
}

/** The only digit below a node that has one subject. */
function onlyDigitBelow(tile: Uint8Array, node: number): number {
  let at = node;
  while (at < DIGITS) at = tile[2 * at] === 1 ? 2 * at : 2 * at + 1;
  return at - DIGITS;
}

function assertHash(hash: Uint8Array): void {
  if (hash.length !== HASH_BYTES) throw new RangeError(`a hash has ${HASH_BYTES} bytes`);
}

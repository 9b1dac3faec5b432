import { HASH_BYTES } from '../tree/hashing.js';
import { EMPTY, hashInner, hashSubject } from './map-hashing.js';
import {
  compareKeys,
  COUNT_AT,
  DIGIT_BITS,
  digitOf,
  DIGITS,
  HASH_AT,
  hashFrom,
  HASHES_TILE_BYTES,
  hasSubjects,
  HEAD_AT,
  innerNodes,
  lastOf,
  MOST_SUBJECTS,
  populationOf,
  prefixBelow,
  RECORD_BYTES,
  recordAt,
  RECORDS_AT,
  runsOf,
  setLast,
  splitAt,
  topOf,
  type Run,
} from './map-tiles.js';
import type { SortedEntries } from './sorted-entries.js';
import { advanceHead } from './subject-chain.js';

/** One batch of entries, put into the map: each tile that changes is made anew, once, from the bottom up. */
export class MapGrowth {
  readonly written = new Map<string, Uint8Array>();
  /** Subjects that were not in the map. */
  added = 0;
  /** Of each entry, in their order here: the place behind the leaf before it in its chain, 0 when it is the first. */
  readonly before: BigUint64Array;

  // Subjects in the order of their keys, on the way from one tile to the next.
  private records = new Uint8Array(2 * MOST_SUBJECTS * RECORD_BYTES);
  /** Of the subjects before each: how many the tile had. */
  private readonly known = [0];
  /** Of the subjects before each: how many have new entries. */
  private readonly changed = [0];

  /**
   * @param tiles all that are on the ways to the entries' keys
   */
  constructor(
    private readonly tiles: ReadonlyMap<string, Uint8Array>,
    private readonly entries: SortedEntries,
  ) {
    this.before = new BigUint64Array(entries.leaves.length);
  }

  /** Puts all entries in, and returns the new root. */
  grow(): Uint8Array {
    const { length } = this.entries.leaves;
    const root = length === 0 ? this.tiles.get('') : this.extend('', 0, length);
    return root === undefined ? EMPTY : hashFrom(root, topOf(root));
  }

  /** Puts the entries of a range into the tile at a prefix, which they all have. */
  private extend(prefix: string, from: number, to: number): Uint8Array {
    const tile = this.tiles.get(prefix);
    if (tile === undefined || hasSubjects(tile)) return this.plant(prefix, 0, this.merge(tile, from, to), tile);
    const runs = runsOf(from, to, (i) => digitOf(this.entries.keys, i * HASH_BYTES, prefix.length));
    // A store may give its own kind of array, whose `slice` shares the bytes.
    return this.join(prefix, new Uint8Array(tile), runs, (below, run) => this.extend(below, run.from, run.to));
  }

  /** Takes the subjects of a tile and those of a range of entries, adds the entries to their chains, and returns how many there are. */
  private merge(tile: Uint8Array | undefined, from: number, to: number): number {
    const before = tile === undefined ? 0 : tile[0]!;
    const most = (before + to - from) * RECORD_BYTES;
    if (this.records.length < most) this.records = new Uint8Array(most);
    const { keys } = this.entries;
    let [size, old, next] = [0, 0, from];
    for (;;) {
      const first = old;
      let order = -1;
      while (
        old < before &&
        (order = next === to ? -1 : compareKeys(tile!, recordAt(old), keys, next * HASH_BYTES)) < 0
      ) {
        old++;
        this.mark(++size, old, false);
      }
      if (old > first)
        this.records.set(tile!.subarray(recordAt(first), recordAt(old)), (size - (old - first)) * RECORD_BYTES);
      if (next === to) return size;
      const at = size * RECORD_BYTES;
      if (order === 0) this.records.set(tile!.subarray(recordAt(old), recordAt(++old)), at);
      else {
        this.records.fill(0, at, at + RECORD_BYTES);
        this.records.set(keys.subarray(next * HASH_BYTES, (next + 1) * HASH_BYTES), at);
        this.added++;
      }
      next = this.chain(at, next, to);
      this.mark(++size, old, true);
    }
  }

  private mark(size: number, known: number, changed: boolean): void {
    this.known[size] = known;
    this.changed[size] = this.changed[size - 1]! + (changed ? 1 : 0);
  }

  /** Adds the entries of one subject, and returns where those of the next begin. */
  private chain(at: number, from: number, to: number): number {
    const { records } = this;
    const { keys, leaves } = this.entries;
    let next = from;
    let last = lastOf(records, at);
    while (next < to && compareKeys(keys, next * HASH_BYTES, records, at) === 0) {
      const { leafIndex, leafHash } = leaves[next]!;
      advanceHead(records, at + HEAD_AT, leafIndex, leafHash);
      this.before[next++] = last;
      last = leafIndex + 1n;
    }
    setLast(records, at, last);
    addToCount(records, at + COUNT_AT, next - from);
    hashSubject(records, at, records, at + HASH_AT);
    return next;
  }

  /** Makes the tile of a range of subjects, and those below it when they are too many for one. */
  private plant(prefix: string, from: number, to: number, before?: Uint8Array): Uint8Array {
    if (to - from > MOST_SUBJECTS) {
      const runs = runsOf(from, to, (i) => digitOf(this.records, i * RECORD_BYTES, prefix.length));
      const tile = new Uint8Array(HASHES_TILE_BYTES);
      return this.join(prefix, tile, runs, (below, run) => this.plant(below, run.from, run.to));
    }
    const tile = this.tileOf(from, to, DIGIT_BITS * prefix.length, before);
    this.written.set(prefix, tile);
    return tile;
  }

  /**
   * A tile of subjects.
   *
   * @param before the tile that was there, whose hashes are good wherever nothing below them has changed
   */
  private tileOf(from: number, to: number, depth: number, before?: Uint8Array): Uint8Array {
    const size = to - from;
    const start = from * RECORD_BYTES;
    const tile = new Uint8Array(recordAt(size) + HASH_BYTES * innerNodes(this.records, start, 0, size, depth));
    tile[0] = size;
    tile.set(this.records.subarray(start, to * RECORD_BYTES), RECORDS_AT);
    // Both tiles have their inner nodes in the order in which this goes through them.
    let at = recordAt(size);
    let old = before === undefined ? 0 : recordAt(before[0]!);
    const visit = (first: number, end: number, depth: number): number => {
      if (first === end) return -1;
      if (end - first === 1) return recordAt(first) + HASH_AT;
      const here = at;
      if (before !== undefined && this.changed[first] === this.changed[end]) {
        const bytes = HASH_BYTES * innerNodes(tile, RECORDS_AT, first, end, depth);
        tile.set(before.subarray(old, old + bytes), at);
        old += bytes;
        at += bytes;
        return here;
      }
      at += HASH_BYTES;
      if (this.known[end]! - this.known[first]! > 1) old += HASH_BYTES;
      const middle = splitAt(tile, RECORDS_AT, first, end, depth);
      const left = visit(first, middle, depth + 1);
      hashInner(tile, left, visit(middle, end, depth + 1), here);
      return here;
    };
    visit(0, size, depth);
    return tile;
  }

  /** Brings a tile of hashes up to date with the tiles below it that have changed. */
  private join(
    prefix: string,
    tile: Uint8Array,
    runs: readonly Run[],
    make: (prefix: string, run: Run) => Uint8Array,
  ): Uint8Array {
    let changed = 0;
    for (const run of runs) {
      const child = make(prefixBelow(prefix, run.digit), run);
      const node = DIGITS + run.digit;
      tile.set(child.subarray(topOf(child), topOf(child) + HASH_BYTES), node * HASH_BYTES);
      tile[node] = populationOf(child);
      changed |= 1 << node;
    }
    for (let node = DIGITS - 1; node > 0; node--) {
      if (((changed >>> (2 * node)) & 3) === 0) continue;
      joinAt(tile, node);
      changed |= 1 << node;
    }
    this.written.set(prefix, tile);
    return tile;
  }
}

/** The node of a tile of hashes, from the two below it. */
function joinAt(tile: Uint8Array, node: number): void {
  const [left, right] = [2 * node, 2 * node + 1];
  tile[node] = Math.min(tile[left]! + tile[right]!, 2);
  if (tile[node] === 2) hashInner(tile, left * HASH_BYTES, right * HASH_BYTES, node * HASH_BYTES);
  else {
    const only = (tile[left] === 1 ? left : right) * HASH_BYTES;
    tile.copyWithin(node * HASH_BYTES, only, only + HASH_BYTES);
  }
}

/** Adds to a number of eight bytes. */
function addToCount(records: Uint8Array, at: number, added: number): void {
  for (let [i, carry] = [at + 7, added]; carry > 0; i--) {
    const sum = records[i]! + (carry % 256);
    records[i] = sum;
    carry = Math.floor(carry / 256) + (sum >> 8);
  }
}

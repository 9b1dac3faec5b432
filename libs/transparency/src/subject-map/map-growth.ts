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
  MOST_SUBJECTS,
  populationOf,
  prefixBelow,
  RECORD_BYTES,
  recordAt,
  RECORDS_AT,
  runsOf,
  splitAt,
  topOf,
  type Run,
} from './map-tiles.js';
import { advanceHead, type SubjectLeaf } from './subject-chain.js';

/** An entry of a subject, by the subject's key. */
export interface SubjectEntry extends SubjectLeaf {
  readonly key: Uint8Array;
}

/** Subjects in the order of their keys, some of which a tile had and some of which have new entries. */
interface Subjects {
  readonly records: Uint8Array;
  readonly size: number;
  /** Of the subjects before each: how many the tile had. */
  readonly known: Uint32Array;
  /** Of the subjects before each: how many have new entries. */
  readonly changed: Uint32Array;
}

/** One batch of entries, put into the map: each tile that changes is made anew, once, from the bottom up. */
export class MapGrowth {
  readonly written = new Map<string, Uint8Array>();
  /** Subjects that were not in the map. */
  added = 0;

  /**
   * @param tiles   all that are on the ways to the entries' keys
   * @param entries in the order of their keys, those of one subject in the order of the log
   */
  constructor(
    private readonly tiles: ReadonlyMap<string, Uint8Array>,
    private readonly entries: readonly SubjectEntry[],
  ) {}

  /** Puts all entries in, and returns the new root. */
  grow(): Uint8Array {
    const root = this.entries.length === 0 ? this.tiles.get('') : this.extend('', 0, this.entries.length);
    return root === undefined ? EMPTY : hashFrom(root, topOf(root));
  }

  /** Puts the entries of a range into the tile at a prefix, which they all have. */
  private extend(prefix: string, from: number, to: number): Uint8Array {
    const tile = this.tiles.get(prefix);
    if (tile === undefined || hasSubjects(tile))
      return this.plant(prefix, this.merge(tile, from, to), 0, undefined, tile);
    const runs = runsOf(from, to, (i) => digitOf(this.entries[i]!.key, 0, prefix.length));
    // A store may give its own kind of array, whose `slice` shares the bytes.
    return this.join(prefix, new Uint8Array(tile), runs, (below, run) => this.extend(below, run.from, run.to));
  }

  /** The subjects of a tile and those of a range of entries, with the entries added to their chains. */
  private merge(tile: Uint8Array | undefined, from: number, to: number): Subjects {
    const before = tile === undefined ? 0 : tile[0]!;
    const most = before + to - from;
    const [known, changed] = [new Uint32Array(most + 1), new Uint32Array(most + 1)];
    const records = new Uint8Array(most * RECORD_BYTES);
    let size = 0;
    for (let old = 0, entry = from; old < before || entry < to; size++) {
      const at = size * RECORD_BYTES;
      const order =
        old === before ? 1 : entry === to ? -1 : compareKeys(tile!, recordAt(old), this.entries[entry]!.key, 0);
      if (order <= 0) records.set(tile!.subarray(recordAt(old), recordAt(old + 1)), at);
      else records.set(this.entries[entry]!.key, at);
      if (order <= 0) old++;
      else this.added++;
      if (order >= 0) entry = this.chain(records, at, entry, to);
      known[size + 1] = old;
      changed[size + 1] = changed[size]! + (order >= 0 ? 1 : 0);
    }
    return { records, size, known, changed };
  }

  /** Adds the entries of one subject, and returns where those of the next begin. */
  private chain(records: Uint8Array, at: number, from: number, to: number): number {
    let next = from;
    while (next < to && compareKeys(this.entries[next]!.key, 0, records, at) === 0) {
      const { leafIndex, leafHash } = this.entries[next]!;
      advanceHead(records, at + HEAD_AT, leafIndex, leafHash);
      next++;
    }
    const count = new DataView(records.buffer, at + COUNT_AT, 8);
    count.setBigUint64(0, count.getBigUint64(0) + BigInt(next - from));
    hashSubject(records, at, records, at + HASH_AT);
    return next;
  }

  /** Makes the tile of a range of subjects, and those below it when they are too many for one. */
  private plant(prefix: string, subjects: Subjects, from: number, to = subjects.size, before?: Uint8Array): Uint8Array {
    if (to - from <= MOST_SUBJECTS) {
      const tile = tileOf(subjects, from, to, DIGIT_BITS * prefix.length, before);
      this.written.set(prefix, tile);
      return tile;
    }
    const runs = runsOf(from, to, (i) => digitOf(subjects.records, i * RECORD_BYTES, prefix.length));
    return this.join(prefix, new Uint8Array(HASHES_TILE_BYTES), runs, (below, run) =>
      this.plant(below, subjects, run.from, run.to),
    );
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

/**
 * A tile of subjects.
 *
 * @param before the tile that was there, whose hashes are good wherever nothing below them has changed
 */
function tileOf(
  { records, known, changed }: Subjects,
  from: number,
  to: number,
  depth: number,
  before?: Uint8Array,
): Uint8Array {
  const size = to - from;
  const start = from * RECORD_BYTES;
  const inner = recordAt(size);
  const tile = new Uint8Array(inner + HASH_BYTES * innerNodes(records, start, 0, size, depth));
  tile[0] = size;
  tile.set(records.subarray(start, to * RECORD_BYTES), RECORDS_AT);
  let at = inner;
  let was = before === undefined ? 0 : recordAt(before[0]!);
  // Both tiles have their inner nodes in the order in which this goes through them.
  const visit = (first: number, end: number, depth: number): number => {
    if (first === end) return -1;
    if (end - first === 1) return recordAt(first) + HASH_AT;
    const here = at;
    at += HASH_BYTES;
    const old = was;
    const wasThere = before !== undefined && known[end]! - known[first]! > 1;
    if (wasThere) was += HASH_BYTES;
    const middle = splitAt(tile, RECORDS_AT, first, end, depth);
    const left = visit(first, middle, depth + 1);
    const right = visit(middle, end, depth + 1);
    if (wasThere && changed[first] === changed[end]) tile.set(before.subarray(old, old + HASH_BYTES), here);
    else hashInner(tile, left, right, here);
    return here;
  };
  visit(0, size, depth);
  return tile;
}

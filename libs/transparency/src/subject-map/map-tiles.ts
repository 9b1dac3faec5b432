import { FormatInvalid } from '../primitives/bytes.js';
import { HASH_BYTES } from '../tree/hashing.js';
import { bitOf, KEY_BITS, SUBJECT_BYTES } from './map-hashing.js';
import type { MappedSubject } from './subject-chain.js';

// The map is kept in tiles. A tile has the subtree below a prefix of keys, written in hexadecimal digits; that of the whole map is ''.
//
// A tile of subjects is a subtree of 1 to 32, whole:
//   1 byte        how many
//   112 bytes     for each, in the order of their keys: key, count (eight bytes), head, hash; and the place behind its last leaf (eight
//                 bytes), which is in no hash: it only says where the chain goes on
//   32 bytes      for each inner node: its hash; a node before what is below it, left before right
//
// A tile of hashes is the top of a larger subtree, four levels of it, 32 slots of 32 bytes:
//   slot 0        byte 0 is 0; byte i, how many subjects are below node i: 0, 1, or 2 for more
//   slot i        the hash of node i: 1 is the top, 2i and 2i + 1 are below i, and 16 to 31 are the tops of the tiles below

/** Subjects that one tile can have; with more it becomes one of hashes, with tiles below it. */
export const MOST_SUBJECTS = 32;
/** Tiles below a tile of hashes. */
export const DIGITS = 16;
export const DIGIT_BITS = 4;
export const RECORD_BYTES = SUBJECT_BYTES + HASH_BYTES + 8;
export const COUNT_AT = HASH_BYTES;
export const HEAD_AT = COUNT_AT + 8;
export const HASH_AT = SUBJECT_BYTES;
export const LAST_AT = HASH_AT + HASH_BYTES;
/** Where the records of a tile of subjects begin. */
export const RECORDS_AT = 1;
/** Bytes of a tile of hashes. */
export const HASHES_TILE_BYTES = 2 * DIGITS * HASH_BYTES;

export const hasSubjects = (tile: Uint8Array): boolean => tile[0] !== 0;
export const recordAt = (index: number): number => RECORDS_AT + index * RECORD_BYTES;

/** Where a tile has the hash of its top. */
export function topOf(tile: Uint8Array): number {
  if (!hasSubjects(tile)) return HASH_BYTES;
  return tile[0] === 1 ? recordAt(0) + HASH_AT : recordAt(tile[0]!);
}

/** How many subjects are below a tile's top: 1, or 2 for more. */
export function populationOf(tile: Uint8Array): number {
  return tile[0] === 1 ? 1 : 2;
}

/** Digit `place` of the key that begins at `at`. */
export function digitOf(keys: Uint8Array, at: number, place: number): number {
  const byte = keys[at + (place >> 1)]!;
  return (place & 1) === 0 ? byte >> 4 : byte & 15;
}

/** A run of neighbours whose keys have the same digit. */
export interface Run {
  readonly digit: number;
  readonly from: number;
  readonly to: number;
}

/** The runs of a range whose digits are in order. */
export function runsOf(from: number, to: number, digitAt: (index: number) => number): Run[] {
  const runs: Run[] = [];
  for (let start = from; start < to;) {
    const digit = digitAt(start);
    let end = start + 1;
    while (end < to && digitAt(end) === digit) end++;
    runs.push({ digit, from: start, to: end });
    start = end;
  }
  return runs;
}

/** The prefix of a tile below another. */
export function prefixBelow(prefix: string, digit: number): string {
  return prefix + digit.toString(DIGITS);
}

/** Of subjects in order whose keys agree in `depth` bits, the first that is on the right there. */
export function splitAt(records: Uint8Array, start: number, from: number, to: number, depth: number): number {
  let at = from;
  while (at < to && bitOf(records, start + at * RECORD_BYTES, depth) === 0) at++;
  return at;
}

/**
 * How many inner nodes a subtree of these subjects has, whose keys agree in `depth` bits: as many as there are beginnings of at least
 * so many bits that two of its keys share. Those that a key shares with the next but not with the one before are counted there.
 */
export function innerNodes(records: Uint8Array, start: number, from: number, to: number, depth: number): number {
  let nodes = 0;
  let before = depth - 1;
  for (let i = from + 1; i < to; i++) {
    const shared = sharedBits(records, start + (i - 1) * RECORD_BYTES, start + i * RECORD_BYTES);
    if (shared > before) nodes += shared - before;
    before = shared < depth ? depth - 1 : shared;
  }
  return nodes;
}

function sharedBits(keys: Uint8Array, a: number, b: number): number {
  for (let i = 0; i < HASH_BYTES; i++) {
    const difference = keys[a + i]! ^ keys[b + i]!;
    if (difference !== 0) return 8 * i + Math.clz32(difference) - 24;
  }
  return KEY_BITS;
}

/** @throws FormatInvalid the tile is not one that can stand at this prefix */
export function assertTile(prefix: string, tile: Uint8Array): void {
  const right = tile.length > 0 && (hasSubjects(tile) ? isOfSubjects(prefix, tile) : isOfHashes(prefix, tile));
  if (!right) throw new FormatInvalid(`the map's tile ${JSON.stringify(prefix)} is damaged`);
}

function isOfSubjects(prefix: string, tile: Uint8Array): boolean {
  const count = tile[0]!;
  for (let i = 1; i < count; i++) if (compareKeys(tile, recordAt(i - 1), tile, recordAt(i)) >= 0) return false;
  // What the first and the last share, all between them do.
  for (let place = 0; place < prefix.length; place++) {
    const digit = parseInt(prefix[place]!, DIGITS);
    if (digitOf(tile, recordAt(0), place) !== digit || digitOf(tile, recordAt(count - 1), place) !== digit)
      return false;
  }
  const inner = innerNodes(tile, RECORDS_AT, 0, count, DIGIT_BITS * prefix.length);
  return tile.length === recordAt(count) + inner * HASH_BYTES;
}

function isOfHashes(prefix: string, tile: Uint8Array): boolean {
  // Below the last digit but one there are not enough keys for one.
  if (prefix.length > 2 * HASH_BYTES - 2 || tile.length !== HASHES_TILE_BYTES || tile[1] !== 2) return false;
  for (let node = 1; node < DIGITS; node++) {
    const below = tile[2 * node]! + tile[2 * node + 1]!;
    if (tile[node] !== Math.min(below, 2) || tile[2 * node]! > 2 || tile[2 * node + 1]! > 2) return false;
  }
  return true;
}

/** The order of two keys, by the places where they begin. */
export function compareKeys(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): number {
  for (let i = 0; i < HASH_BYTES; i++) {
    const difference = a[aAt + i]! - b[bAt + i]!;
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Whether two hashes are the same, by the places where they begin. */
export function sameHash(a: Uint8Array, aAt: number, b: Uint8Array, bAt: number): boolean {
  return compareKeys(a, aAt, b, bAt) === 0;
}

export function hashFrom(tile: Uint8Array, at: number): Uint8Array {
  return Uint8Array.from(tile.subarray(at, at + HASH_BYTES));
}

/** The place behind the last leaf of the subject whose record begins here: the index of that leaf and one; 0 when it has none. */
export function lastOf(records: Uint8Array, at: number): bigint {
  return numbersOf(records).getBigUint64(at + LAST_AT);
}

export function setLast(records: Uint8Array, at: number, last: bigint): void {
  numbersOf(records).setBigUint64(at + LAST_AT, last);
}

function numbersOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** A subject of a tile. */
export function subjectFrom(tile: Uint8Array, index: number): MappedSubject {
  const at = recordAt(index);
  const count = numbersOf(tile).getBigUint64(at + COUNT_AT);
  return { key: hashFrom(tile, at), count, head: hashFrom(tile, at + HEAD_AT) };
}

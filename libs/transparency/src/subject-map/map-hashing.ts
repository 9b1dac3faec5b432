import { sha256Into } from '../primitives/crypto.js';
import { HASH_BYTES } from '../tree/hashing.js';

/** Bits of a key, and so the most that one can be below the root. */
export const KEY_BITS = 8 * HASH_BYTES;

/** Key, count and head of a subject, as they stand in its leaf. */
export const SUBJECT_BYTES = HASH_BYTES + 8 + HASH_BYTES;

/** The hash of a subtree without subjects: no SHA-256 hash that anybody will find data for. */
export const EMPTY: Uint8Array = new Uint8Array(HASH_BYTES);

// One hash is taken at a time; a new array for each would cost as much as the hash.
const leaf = new Uint8Array(1 + SUBJECT_BYTES);
leaf[0] = 0x03;
const pair = new Uint8Array(1 + 2 * HASH_BYTES);
pair[0] = 0x04;

/** The hash of a subject: SHA-256(0x03 ‖ key ‖ count, eight bytes ‖ head), read at one place and written to another. */
export function hashSubject(subjects: Uint8Array, from: number, target: Uint8Array, at: number): void {
  leaf.set(subjects.subarray(from, from + SUBJECT_BYTES), 1);
  sha256Into(leaf, target, at);
}

/** The hash of an inner node: SHA-256(0x04 ‖ left ‖ right), all in one array. A place of −1 is that of an empty subtree. */
export function hashInner(hashes: Uint8Array, left: number, right: number, at: number): void {
  copyToPair(hashes, left, 1);
  copyToPair(hashes, right, 1 + HASH_BYTES);
  sha256Into(pair, hashes, at);
}

function copyToPair(hashes: Uint8Array, from: number, at: number): void {
  if (from < 0) pair.fill(0, at, at + HASH_BYTES);
  else for (let i = 0; i < HASH_BYTES; i++) pair[at + i] = hashes[from + i]!;
}

/** Bit `depth` of the key that begins at `at`, the most significant first: whether the key is in the right half there. */
export function bitOf(keys: Uint8Array, at: number, depth: number): number {
  return (keys[at + (depth >> 3)]! >> (7 - (depth & 7))) & 1;
}

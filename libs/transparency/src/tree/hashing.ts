import { sha256, sha256Into, sha256OfText } from '../primitives/crypto.js';

/** Bytes of one hash: SHA-256. */
export const HASH_BYTES = 32;

/** The hash of a leaf: SHA-256(0x00 ‖ data). RFC 9162, section 2.1.1. */
export function hashLeaf(data: Uint8Array): Uint8Array {
  const prefixed = new Uint8Array(1 + data.length);
  prefixed.set(data, 1);
  return sha256(prefixed);
}

/** The same, of a leaf that is text in UTF-8. */
export function hashLeafText(text: string): Uint8Array {
  return sha256OfText(`\u0000${text}`);
}

/**
 * The hashes of leaves, one behind the other.
 *
 * @param bytes leaves as they are hashed, each with its 0x00, one behind the other
 * @param lengths how many bytes each has
 */
export function hashLeaves(bytes: Uint8Array, lengths: readonly number[]): Uint8Array {
  // A part of a Buffer takes several times as long to make as one of plain bytes.
  const plain = new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length);
  const hashes = new Uint8Array(lengths.length * HASH_BYTES);
  let at = 0;
  lengths.forEach((length, i) => sha256Into(plain.subarray(at, (at += length)), hashes, i * HASH_BYTES));
  return hashes;
}

// One hash of two is taken at a time, and a new array for each would cost as much as the hash.
const pair = new Uint8Array(1 + 2 * HASH_BYTES);

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right). RFC 9162, section 2.1.1. */
export function hashNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  if (left.length !== HASH_BYTES || right.length !== HASH_BYTES) throw new RangeError(`a hash has ${HASH_BYTES} bytes`);
  pair[0] = 0x01;
  pair.set(left, 1);
  pair.set(right, 1 + HASH_BYTES);
  return sha256(pair);
}

/** The same, of the two hashes that stand at `from`, one behind the other, in an array of hashes; written to another place in it. */
export function hashPair(hashes: Uint8Array, from: number, to: number): void {
  pair[0] = 0x01;
  for (let i = 0; i < 2 * HASH_BYTES; i++) pair[1 + i] = hashes[from + i]!;
  sha256Into(pair, hashes, to);
}

/** The root of a tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Uint8Array = sha256(new Uint8Array());

import { createHash } from 'node:crypto';

/** Bytes of one hash: SHA-256. */
export const HASH_BYTES = 32;

const LEAF = Uint8Array.of(0x00);
const NODE = Uint8Array.of(0x01);

/** The hash of a leaf: SHA-256(0x00 ‖ data). RFC 9162, section 2.1.1. */
export function hashLeaf(data: Uint8Array): Buffer {
  return createHash('sha256').update(LEAF).update(data).digest();
}

/** The hash of an inner node: SHA-256(0x01 ‖ left ‖ right). RFC 9162, section 2.1.1. */
export function hashNode(left: Uint8Array, right: Uint8Array): Buffer {
  return createHash('sha256').update(NODE).update(left).update(right).digest();
}

/** The root of a tree without leaves: the hash of nothing. */
export const EMPTY_ROOT: Buffer = createHash('sha256').digest();

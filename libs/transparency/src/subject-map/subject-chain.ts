import { concat, utf8 } from '../primitives/bytes.js';
import { sha256, sha256Into } from '../primitives/crypto.js';
import { HASH_BYTES } from '../tree/hashing.js';
import { ProofInvalid } from '../tree/proofs.js';

/** Where an entry that concerns a subject stands in the log, and the hash of its leaf. */
export interface SubjectLeaf {
  readonly leafIndex: bigint;
  readonly leafHash: Uint8Array;
}

/** How many entries concern a subject, and the hash that the chain of them ends in. */
export interface SubjectHead {
  readonly count: bigint;
  readonly head: Uint8Array;
}

/** A subject as the map holds it. */
export interface MappedSubject extends SubjectHead {
  readonly key: Uint8Array;
}

/** The head of a subject without entries. */
export const FIRST_HEAD: Uint8Array = new Uint8Array(HASH_BYTES);

/** A subject's key in the map: SHA-256("sijill subject\n" ‖ id). The id is random, so that the key cannot be guessed. */
export function subjectKey(subjectId: string): Uint8Array {
  return sha256(concat(utf8('sijill subject\n'), utf8(subjectId)));
}

/** The head after one more entry: SHA-256(0x02 ‖ head ‖ index of the leaf, eight bytes ‖ hash of the leaf). */
export function nextHead(head: Uint8Array, leafIndex: bigint, leafHash: Uint8Array): Uint8Array {
  const next = Uint8Array.from(head);
  advanceHead(next, 0, leafIndex, leafHash);
  return next;
}

// One hash is taken at a time; a new array for each would cost as much as the hash.
const link = new Uint8Array(1 + HASH_BYTES + 8 + HASH_BYTES);
link[0] = 0x02;
const linkNumbers = new DataView(link.buffer);

/** `nextHead`, in the place of the head before it. */
export function advanceHead(heads: Uint8Array, at: number, leafIndex: bigint, leafHash: Uint8Array): void {
  if (heads.length < at + HASH_BYTES || leafHash.length !== HASH_BYTES)
    throw new RangeError(`a hash has ${HASH_BYTES} bytes`);
  if (BigInt.asUintN(64, leafIndex) !== leafIndex) throw new RangeError('not the index of a leaf');
  for (let i = 0; i < HASH_BYTES; i++) link[1 + i] = heads[at + i]!;
  linkNumbers.setBigUint64(1 + HASH_BYTES, leafIndex);
  link.set(leafHash, 1 + HASH_BYTES + 8);
  sha256Into(link, heads, at);
}

/**
 * What the map must say about a subject if these are all its entries.
 *
 * @param leaves in the order of the log
 * @throws ProofInvalid they are not in that order, or one is there twice
 */
export function accountingHead(leaves: Iterable<SubjectLeaf>): SubjectHead {
  let [count, head, last] = [0n, FIRST_HEAD, -1n];
  for (const { leafIndex, leafHash } of leaves) {
    if (leafIndex <= last || leafIndex >> 64n !== 0n)
      throw new ProofInvalid('the entries are not in the order of the log');
    if (leafHash.length !== HASH_BYTES) throw new ProofInvalid(`a hash has ${HASH_BYTES} bytes`);
    [count, head, last] = [count + 1n, nextHead(head, leafIndex, leafHash), leafIndex];
  }
  return { count, head };
}

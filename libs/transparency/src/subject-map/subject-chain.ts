import { utf8 } from '../primitives/bytes.js';
import { sha256, sha256Into } from '../primitives/crypto.js';
import { HASH_BYTES } from '../tree/hashing.js';
import { ProofInvalid } from '../tree/proofs.js';
import type { EntryKind } from './entry-kind.js';

/** Where an entry of a chain stands in the log, and the hash of its leaf. */
export interface SubjectLeaf {
  readonly leafIndex: bigint;
  readonly leafHash: Uint8Array;
}

/** How many entries a chain has, and the hash that it ends in. */
export interface SubjectHead {
  readonly count: bigint;
  readonly head: Uint8Array;
}

/** A chain as the map holds it. */
export interface MappedSubject extends SubjectHead {
  readonly key: Uint8Array;
}

/** The head of a chain without entries. */
export const FIRST_HEAD: Uint8Array = new Uint8Array(HASH_BYTES);

/**
 * Where the map holds the chain of a subject's entries of a kind: SHA-256("sijill chain\n" ‖ kind ‖ "\n" ‖ id). The id is random, so that
 * the key cannot be guessed, and keys of one subject have nothing in common.
 */
export function chainKey(subjectId: string, kind: EntryKind): Uint8Array {
  return sha256(utf8(`sijill chain\n${kind}\n${subjectId}`));
}

// One hash is taken at a time; a new array for each would cost as much as the hash.
const link = new Uint8Array(1 + HASH_BYTES + 8 + HASH_BYTES);
link[0] = 0x02;
const linkNumbers = new DataView(link.buffer);

/** One more entry: SHA-256(0x02 ‖ head ‖ index of the leaf, eight bytes ‖ hash of the leaf), in the place of the head before it. */
export function advanceHead(heads: Uint8Array, at: number, leafIndex: bigint, leafHash: Uint8Array): void {
  if (heads.length < at + HASH_BYTES || leafHash.length !== HASH_BYTES)
    throw new RangeError(`a hash has ${HASH_BYTES} bytes`);
  if (BigInt.asUintN(64, leafIndex) !== leafIndex) throw new RangeError('not the index of a leaf');
  for (let i = 0; i < HASH_BYTES; i++) link[1 + i] = heads[at + i]!;
  linkNumbers.setBigUint64(1 + HASH_BYTES, leafIndex);
  link.set(leafHash, 1 + HASH_BYTES + 8);
  sha256Into(link, heads, at);
}

/** A chain, entry by entry. */
export class Chain {
  private readonly end = Uint8Array.from(FIRST_HEAD);
  private entries = 0n;
  private last = -1n;

  /** @throws ProofInvalid the entry is not behind the one before in the log */
  add({ leafIndex, leafHash }: SubjectLeaf): void {
    if (leafIndex <= this.last || leafIndex >> 64n !== 0n)
      throw new ProofInvalid('the entries are not in the order of the log');
    if (leafHash.length !== HASH_BYTES) throw new ProofInvalid(`a hash has ${HASH_BYTES} bytes`);
    advanceHead(this.end, 0, leafIndex, leafHash);
    this.last = leafIndex;
    this.entries++;
  }

  /** What the map must say of the chain if these are all its entries. */
  head(): SubjectHead {
    return { count: this.entries, head: Uint8Array.from(this.end) };
  }
}

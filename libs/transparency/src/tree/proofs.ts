import { FormatInvalid, sameBytes } from '../primitives/bytes.js';
import { EMPTY_ROOT, HASH_BYTES, hashNode } from './hashing.js';
import { splitOf, subtreesOf, type ReadHash } from './subtrees.js';

/** A proof does not hold. The message says why, for a person. */
export class ProofInvalid extends Error {
  override readonly name = 'ProofInvalid';
}

/** Whether something was refused because it does not hold, or is none; any other error says nothing about it. */
export function isRefusal(error: unknown): error is FormatInvalid | ProofInvalid {
  return error instanceof FormatInvalid || error instanceof ProofInvalid;
}

/** Says in a refusal what was refused. */
export function named<T>(what: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new ProofInvalid(`${what} does not hold: ${error.message}`);
  }
}

/** The root of the first `size` leaves. RFC 9162, section 2.1.1. */
export function treeRoot(size: bigint, read: ReadHash): Uint8Array {
  assertSize(size);
  return size === 0n ? EMPTY_ROOT : rangeRoot(0n, size, read);
}

/**
 * The path that proves that leaf `index` is in the tree of the first `size` leaves, from the leaf upwards. RFC 9162, section
 * 2.1.3.1.
 *
 * @throws RangeError there is no such leaf in that tree
 */
export function inclusionProof(index: bigint, size: bigint, read: ReadHash): Uint8Array[] {
  assertSize(size);
  if (index < 0n || index >= size) throw new RangeError(`a tree of ${size} leaves has no leaf ${index}`);
  const path: Uint8Array[] = [];
  for (let [from, to] = [0n, size]; to - from > 1n;) {
    const middle = from + splitOf(to - from);
    const left = index < middle;
    path.push(left ? rangeRoot(middle, to, read) : rangeRoot(from, middle, read));
    if (left) to = middle;
    else from = middle;
  }
  return path.reverse();
}

/**
 * The proof that the tree of the first `first` leaves is the beginning of that of the first `second`. RFC 9162, section 2.1.4.1.
 * Nothing is needed when they are the same, nor from the empty tree.
 *
 * @throws RangeError the first tree is the larger
 */
export function consistencyProof(first: bigint, second: bigint, read: ReadHash): Uint8Array[] {
  assertSize(first);
  assertSize(second);
  if (first > second) throw new RangeError(`a tree of ${first} leaves is not the beginning of one of ${second}`);
  if (first === 0n || first === second) return [];
  const proof: Uint8Array[] = [];
  let [from, to] = [0n, second];
  while (to !== first) {
    const middle = from + splitOf(to - from);
    if (first <= middle) {
      proof.push(rangeRoot(middle, to, read));
      to = middle;
    } else {
      proof.push(rangeRoot(from, middle, read));
      from = middle;
    }
  }
  // Whoever checks has the root of the first tree, and needs the rest of it only where that is no subtree of the second.
  if (from > 0n) proof.push(rangeRoot(from, to, read));
  return proof.reverse();
}

/**
 * Checks that a leaf is in a tree. RFC 9162, section 2.1.3.2.
 *
 * @throws ProofInvalid
 */
export function verifyInclusion(
  leaf: Uint8Array,
  index: bigint,
  size: bigint,
  proof: readonly Uint8Array[],
  root: Uint8Array,
): void {
  if (index < 0n || index >= size) throw new ProofInvalid(`a tree of ${size} leaves has no leaf ${index}`);
  assertHashes([leaf, root, ...proof]);
  let [fn, sn] = [index, size - 1n];
  let hash = leaf;
  for (const sibling of proof) {
    if (sn === 0n) throw new ProofInvalid('the proof is longer than the tree is high');
    if ((fn & 1n) === 1n || fn === sn) {
      hash = hashNode(sibling, hash);
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else hash = hashNode(hash, sibling);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) throw new ProofInvalid('the proof is shorter than the tree is high');
  if (!sameBytes(hash, root)) throw new ProofInvalid('the proof leads to another root');
}

/**
 * Checks that one tree is the beginning of another. RFC 9162, section 2.1.4.2.
 *
 * @throws ProofInvalid
 */
export function verifyConsistency(
  first: bigint,
  second: bigint,
  firstRoot: Uint8Array,
  secondRoot: Uint8Array,
  proof: readonly Uint8Array[],
): void {
  if (first < 0n || first > second) throw new ProofInvalid(`a tree of ${first} leaves begins none of ${second}`);
  assertHashes([firstRoot, secondRoot, ...proof]);
  if (first === second || first === 0n) {
    if (proof.length > 0) throw new ProofInvalid('there is nothing to prove, and a proof of it');
    if (first === 0n && !sameBytes(firstRoot, EMPTY_ROOT)) throw new ProofInvalid('an empty tree has another root');
    if (first === second && !sameBytes(firstRoot, secondRoot)) throw new ProofInvalid('one size, and two roots');
    return;
  }
  const path = [...proof];
  // A whole power of two is a subtree of the second tree, so that its root begins the path.
  if ((first & (first - 1n)) === 0n) path.unshift(firstRoot);
  const [start, ...rest] = path;
  if (start === undefined) throw new ProofInvalid('the proof is empty');
  let [fn, sn] = [first - 1n, second - 1n];
  while ((fn & 1n) === 1n) [fn, sn] = [fn >> 1n, sn >> 1n];
  let [fr, sr] = [start, start];
  for (const hash of rest) {
    if (sn === 0n) throw new ProofInvalid('the proof is longer than the tree is high');
    if ((fn & 1n) === 1n || fn === sn) {
      [fr, sr] = [hashNode(hash, fr), hashNode(hash, sr)];
      while ((fn & 1n) === 0n && fn !== 0n) [fn, sn] = [fn >> 1n, sn >> 1n];
    } else sr = hashNode(sr, hash);
    [fn, sn] = [fn >> 1n, sn >> 1n];
  }
  if (sn !== 0n) throw new ProofInvalid('the proof is shorter than the tree is high');
  if (!sameBytes(fr, firstRoot)) throw new ProofInvalid('the proof leads to another root of the first tree');
  if (!sameBytes(sr, secondRoot)) throw new ProofInvalid('the proof leads to another root of the second tree');
}

/** The root over a range of leaves that a tree cuts out, folded from the right. */
function rangeRoot(from: bigint, to: bigint, read: ReadHash): Uint8Array {
  const hashes = subtreesOf(from, to).map(read);
  return hashes.reduceRight((right, left) => hashNode(left, right));
}

function assertSize(size: bigint): void {
  if (size < 0n) throw new RangeError('a tree has no negative size');
}

function assertHashes(hashes: readonly Uint8Array[]): void {
  if (hashes.some((hash) => hash.length !== HASH_BYTES)) throw new ProofInvalid(`a hash has ${HASH_BYTES} bytes`);
}

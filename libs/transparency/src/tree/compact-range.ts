import { EMPTY_ROOT, hashNode } from './hashing.js';
import type { Subtree } from './subtrees.js';

/**
 * The complete subtrees that cover the leaves from `from` up to `to`, from the left, each as large as it can be: between two leaves that
 * are shown, the hashes that prove both and are in the path of no other.
 */
export function* subtreesBetween(from: bigint, to: bigint): Generator<Subtree> {
  for (let start = from; start < to;) {
    let level = 0;
    while (((start >> BigInt(level)) & 1n) === 0n && start + (2n << BigInt(level)) <= to) level++;
    yield { level, index: start >> BigInt(level) };
    start += 1n << BigInt(level);
  }
}

/**
 * A tree of RFC 9162 that is put together from the left, out of leaves and of hashes that stand for complete subtrees: as many proofs
 * of single leaves as leaves are put in, with each hash written once. Keeps one hash a level.
 */
export class CompactRange {
  private leaves = 0n;
  /** Complete subtrees from the left, each smaller than the one before: one for each binary digit of the size that is 1. */
  private readonly subtrees: { readonly level: number; readonly hash: Uint8Array }[] = [];

  /** Leaves so far. */
  get size(): bigint {
    return this.leaves;
  }

  /**
   * Puts the next complete subtree behind what is there.
   *
   * @param level of a leaf 0
   * @throws RangeError no subtree of that level begins here
   */
  append(level: number, hash: Uint8Array): void {
    if ((this.leaves & ((1n << BigInt(level)) - 1n)) !== 0n)
      throw new RangeError(`no complete subtree of level ${level} begins at leaf ${this.leaves}`);
    this.leaves += 1n << BigInt(level);
    let next = { level, hash };
    while (this.subtrees.at(-1)?.level === next.level)
      next = { level: next.level + 1, hash: hashNode(this.subtrees.pop()!.hash, next.hash) };
    this.subtrees.push(next);
  }

  /** The root over all of it. RFC 9162, section 2.1.1. */
  root(): Uint8Array {
    const hashes = this.subtrees.map(({ hash }) => hash);
    return hashes.length === 0 ? EMPTY_ROOT : hashes.reduceRight((right, left) => hashNode(left, right));
  }
}

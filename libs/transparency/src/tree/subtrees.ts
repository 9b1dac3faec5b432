/**
 * A complete subtree: the leaves from `index * 2 ** level`, `2 ** level` of them. Its hash never changes once they are there, and
 * every tree is made of such.
 */
export interface Subtree {
  readonly level: number;
  readonly index: bigint;
}

/** The hash of a complete subtree of the log, from wherever it is kept. */
export type ReadHash = (subtree: Subtree) => Uint8Array;

/** The largest power of two below `size`, for a size of at least two. RFC 9162 calls it k. */
export function splitOf(size: bigint): bigint {
  return 1n << BigInt(bitLength(size - 1n) - 1);
}

/** How many binary digits a number has; none for 0. */
export function bitLength(value: bigint): number {
  return value === 0n ? 0 : value.toString(2).length;
}

/**
 * The complete subtrees that cover the leaves from `from` up to `to`, left to right, in the only way in which a tree of RFC 9162
 * cuts them. `from` begins a subtree at least as large as the range.
 */
export function subtreesOf(from: bigint, to: bigint): Subtree[] {
  const subtrees: Subtree[] = [];
  for (let start = from; start < to;) {
    const level = bitLength(to - start) - 1;
    subtrees.push({ level, index: start >> BigInt(level) });
    start += 1n << BigInt(level);
  }
  return subtrees;
}

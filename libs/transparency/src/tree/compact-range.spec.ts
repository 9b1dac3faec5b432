import fc from 'fast-check';
import { toHex, utf8 } from '../primitives/bytes.js';
import { CompactRange, subtreesBetween } from './compact-range.js';
import { EMPTY_ROOT, hashLeaf, hashNode } from './hashing.js';
import { treeRoot } from './proofs.js';
import type { ReadHash, Subtree } from './subtrees.js';

const leafHash = (index: bigint): Uint8Array => hashLeaf(utf8(`leaf ${index}`));
const read: ReadHash = ({ level, index }) =>
  level === 0
    ? leafHash(index)
    : hashNode(read({ level: level - 1, index: index * 2n }), read({ level: level - 1, index: index * 2n + 1n }));

const span = ({ level, index }: Subtree): [bigint, bigint] => [index << BigInt(level), (index + 1n) << BigInt(level)];

describe('a tree that is put together from the left', () => {
  it('has the root of RFC 9162, whatever is shown of it and whatever is passed over', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 300 }), fc.uniqueArray(fc.nat(299), { maxLength: 40 }), (size, some) => {
        const range = new CompactRange();
        const pass = (to: bigint): void => {
          for (const subtree of subtreesBetween(range.size, to)) range.append(subtree.level, read(subtree));
        };
        for (const at of some.filter((index) => index < size).sort((a, b) => a - b)) {
          pass(BigInt(at));
          range.append(0, leafHash(BigInt(at)));
        }
        pass(BigInt(size));
        expect(range.size).toBe(BigInt(size));
        expect(toHex(range.root())).toBe(toHex(treeRoot(BigInt(size), read)));
      }),
      { numRuns: 200 },
    );
    expect(new CompactRange().root()).toEqual(EMPTY_ROOT);
  });

  it('passes over what lies between with as few subtrees as there can be', () => {
    fc.assert(
      fc.property(fc.bigInt(0n, 2n ** 40n), fc.bigInt(0n, 2n ** 40n), (a, b) => {
        const [from, to] = a < b ? [a, b] : [b, a];
        const spans = [...subtreesBetween(from, to)].map(span);
        expect(spans.map(([start]) => start)).toEqual([from, ...spans.map(([, end]) => end)].slice(0, spans.length));
        expect(spans.at(-1)?.[1] ?? from).toBe(to);
        // Two neighbours that are halves of one subtree would be that one.
        for (const [i, [start, end]] of spans.slice(0, -1).entries()) {
          const [, next] = spans[i + 1]!;
          expect(next - end === end - start && start % (2n * (end - start)) === 0n).toBe(false);
        }
      }),
    );
  });

  it('takes a subtree only where one begins', () => {
    const range = new CompactRange();
    range.append(0, leafHash(0n));
    expect(() => range.append(1, leafHash(1n))).toThrow(RangeError);
    range.append(0, leafHash(1n));
    range.append(1, read({ level: 1, index: 1n }));
    expect(toHex(range.root())).toBe(toHex(treeRoot(4n, read)));
  });
});

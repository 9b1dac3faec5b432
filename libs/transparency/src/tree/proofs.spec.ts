import { EMPTY_ROOT, hashLeaf, hashNode } from './hashing.js';
import {
  consistencyProof,
  inclusionProof,
  ProofInvalid,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from './proofs.js';
import type { Subtree } from './subtrees.js';

const hex = (hash: Uint8Array): string => Buffer.from(hash).toString('hex');

/** MTH as section 2.1.1 of RFC 9162 writes it down, on leaves in memory. */
function naiveRoot(leaves: readonly Uint8Array[]): Uint8Array {
  if (leaves.length === 0) return EMPTY_ROOT;
  if (leaves.length === 1) return hashLeaf(leaves[0]!);
  let k = 1;
  while (2 * k < leaves.length) k *= 2;
  return hashNode(naiveRoot(leaves.slice(0, k)), naiveRoot(leaves.slice(k)));
}

/** Leaves 0, 1, 2 … as decimal text, and the hashes of their complete subtrees, remembered. */
const leaf = (index: bigint): Uint8Array => Buffer.from(String(index));
const known = new Map<string, Uint8Array>();
function read({ level, index }: Subtree): Uint8Array {
  const key = `${level}/${index}`;
  let hash = known.get(key);
  if (hash === undefined) {
    hash =
      level === 0
        ? hashLeaf(leaf(index))
        : hashNode(read({ level: level - 1, index: 2n * index }), read({ level: level - 1, index: 2n * index + 1n }));
    known.set(key, hash);
  }
  return hash;
}

// The leaves and roots of the reference implementation of Certificate Transparency, used by every implementation since.
const PUBLISHED = ['', '00', '10', '2021', '3031', '40414243', '5051525354555657', '606162636465666768696a6b6c6d6e6f'];
const PUBLISHED_ROOTS = [
  '6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d',
  'fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125',
  'aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77',
  'd37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7',
  '4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4',
  '76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef',
  'ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c',
  '5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328',
];

describe('the tree of RFC 9162', () => {
  it('has the published roots, and that of nothing', () => {
    const leaves = PUBLISHED.map((text) => hashLeaf(Buffer.from(text, 'hex')));
    const of = ({ level, index }: Subtree): Uint8Array =>
      level === 0
        ? leaves[Number(index)]!
        : hashNode(of({ level: level - 1, index: 2n * index }), of({ level: level - 1, index: 2n * index + 1n }));
    expect(PUBLISHED.map((_, i) => hex(treeRoot(BigInt(i + 1), of)))).toEqual(PUBLISHED_ROOTS);
    expect(hex(treeRoot(0n, of))).toBe('e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855');
  });

  it('has the root of the definition, for every size to 600', () => {
    const leaves = Array.from({ length: 600 }, (_, i) => leaf(BigInt(i)));
    for (let size = 0; size <= 600; size++)
      expect(hex(treeRoot(BigInt(size), read))).toBe(hex(naiveRoot(leaves.slice(0, size))));
  });

  it('proves each leaf of each tree to 130, and no leaf in another place, tree or root', () => {
    for (let size = 1n; size <= 130n; size++) {
      const root = treeRoot(size, read);
      for (let index = 0n; index < size; index++) {
        const proof = inclusionProof(index, size, read);
        const hash = hashLeaf(leaf(index));
        verifyInclusion(hash, index, size, proof, root);
        if (size > 1n)
          expect(() => verifyInclusion(hash, (index + 1n) % size, size, proof, root)).toThrow(ProofInvalid);
      }
    }
  });

  it('proves that each tree to 130 begins each larger one, and nothing else', () => {
    for (let second = 0n; second <= 130n; second++) {
      const root = treeRoot(second, read);
      for (let first = 0n; first <= second; first++) {
        const proof = consistencyProof(first, second, read);
        const before = treeRoot(first, read);
        verifyConsistency(first, second, before, root, proof);
        if (first === 0n) continue;
        expect(() => verifyConsistency(first, second, hashLeaf(before), root, proof)).toThrow(ProofInvalid);
        expect(() => verifyConsistency(first, second, before, hashLeaf(root), proof)).toThrow(ProofInvalid);
      }
    }
  });
});

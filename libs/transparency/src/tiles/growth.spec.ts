import fc from 'fast-check';
import { FormatInvalid, toHex, utf8 } from '../primitives/bytes.js';
import { hashLeaf, hashNode } from '../tree/hashing.js';
import { consistencyProof, inclusionProof, treeRoot, verifyConsistency, verifyInclusion } from '../tree/proofs.js';
import type { Subtree } from '../tree/subtrees.js';
import { TreeGrowth } from './growth.js';
import { hashInTile, tileOf, tilesOf, tileWidth, withTiles, type Tile, type TilePlace } from './tiles.js';

const leaf = (index: number): Uint8Array => hashLeaf(utf8(String(index)));
const nameOf = ({ level, index }: TilePlace): string => `${level}/${index}`;

/** The definition: every hash from the leaves below it. */
const known = new Map<string, Uint8Array>();
function naive({ level, index }: Subtree): Uint8Array {
  const name = nameOf({ level, index });
  let hash = known.get(name);
  if (hash === undefined) {
    hash =
      level === 0
        ? leaf(Number(index))
        : hashNode(naive({ level: level - 1, index: 2n * index }), naive({ level: level - 1, index: 2n * index + 1n }));
    known.set(name, hash);
  }
  return hash;
}

/** Grows a tree in steps, keeping its tiles as a database would and going on from them at each step. */
function grown(steps: readonly number[]): { size: number; root: Uint8Array; tiles: Map<string, Uint8Array> } {
  const tiles = new Map<string, Uint8Array>();
  let size = 0;
  let root = new Uint8Array();
  for (const step of steps) {
    const edges: Uint8Array[] = [];
    for (let level = 0; BigInt(size) >> BigInt(8 * level) > 0n; level++) {
      const place = { level, index: BigInt(size) >> BigInt(8 * (level + 1)) };
      const width = tileWidth(place, BigInt(size));
      edges.push(width === 0 ? new Uint8Array() : tiles.get(nameOf(place))!);
    }
    const growth = TreeGrowth.from(BigInt(size), edges);
    for (let i = 0; i < step; i++) growth.add(leaf(size++));
    for (const tile of growth.takeChanged()) tiles.set(nameOf(tile), tile.hashes);
    root = growth.root() as Uint8Array<ArrayBuffer>;
  }
  return { size, root, tiles };
}

describe('a tree kept in tiles', () => {
  it('has the root of the definition at every size to 600, grown leaf by leaf', () => {
    const growth = TreeGrowth.from(0n);
    for (let size = 1; size <= 600; size++) {
      growth.add(leaf(size - 1));
      expect(toHex(growth.root())).toBe(toHex(treeRoot(BigInt(size), naive)));
    }
  });

  it('has the root of the definition at random sizes to a million', () => {
    const rootOf = (from: number, to: number): Uint8Array => {
      if (to - from === 1) return leaf(from);
      const middle = from + 2 ** Math.floor(Math.log2(to - from - 1));
      return hashNode(rootOf(from, middle), rootOf(middle, to));
    };
    const size = fc.noBias(fc.integer({ min: 1, max: 1_000_000 }));
    fc.assert(
      fc.property(size, (leaves) => {
        const growth = TreeGrowth.from(0n);
        for (let i = 0; i < leaves; i++) growth.add(leaf(i));
        expect(toHex(growth.root())).toBe(toHex(rootOf(0, leaves)));
      }),
      { numRuns: process.env['SIJILL_TEST_FULL'] === '1' ? 20 : 1 },
    );
  }, 600_000);

  it('is the same in whatever steps it grows, and its tiles are those that its size says', () => {
    const steps = fc.array(fc.nat({ max: 40_000 }), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(steps, (parts) => {
        const { size, root, tiles } = grown(parts);
        if (size === 0) return;
        expect(toHex(root)).toBe(toHex(treeRoot(BigInt(size), naive)));
        const widths = new Map([...tilesOf(BigInt(size))].map((tile) => [nameOf(tile), 32 * tile.width]));
        expect(new Map([...tiles].map(([name, hashes]) => [name, hashes.length]))).toEqual(widths);
      }),
      { numRuns: 15 },
    );
  });

  it('proves from its tiles alone, each read once', async () => {
    const { size, root, tiles } = grown([70_000]);
    const load = async (places: readonly TilePlace[]): Promise<Uint8Array[]> => {
      expect(new Set(places.map(nameOf)).size).toBe(places.length);
      expect(places.length).toBeLessThan(8);
      return places.map((place) => tiles.get(nameOf(place))!);
    };
    const last = BigInt(size);
    for (const index of [0n, 255n, 256n, 65_535n, 65_536n, 69_999n]) {
      const proof = await withTiles((read) => inclusionProof(index, last, read), load);
      verifyInclusion(leaf(Number(index)), index, last, proof, root);
    }
    for (const first of [1n, 256n, 257n, 65_536n, 69_999n]) {
      const proof = await withTiles((read) => consistencyProof(first, last, read), load);
      verifyConsistency(first, last, treeRoot(first, naive), root, proof);
    }
  });

  it('remembers hashes above the tiles of leaves, also when they are forgotten meanwhile', async () => {
    const { size, root, tiles } = grown([3 * 65_536]);
    const known = new Map<string, Uint8Array>();
    const asked: string[] = [];
    const prove = async (index: bigint, duringLoad = (): void => undefined): Promise<void> => {
      const load = async (places: readonly TilePlace[]): Promise<Uint8Array[]> => {
        asked.splice(0, Infinity, ...places.map(nameOf));
        duringLoad();
        return places.map((place) => tiles.get(nameOf(place))!);
      };
      const proof = await withTiles((read) => inclusionProof(index, BigInt(size), read), load, known);
      verifyInclusion(leaf(Number(index)), index, BigInt(size), proof, root);
    };
    await prove(0n);
    expect(asked).toContain('2/0');
    expect(known.size).toBeGreaterThan(7);
    for (const [name, hash] of known) {
      const [level, index] = name.split('/');
      expect(Number(level)).toBeGreaterThan(8);
      expect(toHex(hash)).toBe(toHex(naive({ level: Number(level), index: BigInt(index!) })));
    }
    await prove(1n);
    expect(asked.sort()).toEqual(['0/0', '1/0']);
    await prove(2n, () => known.clear());
    await prove(BigInt(size) - 1n);
  });

  it('reaches beyond 2^53', () => {
    const size = 2n ** 53n + 2n ** 20n + 3n;
    expect(tileWidth({ level: 0, index: size >> 8n }, size)).toBe(3);
    expect(tileWidth({ level: 0, index: (size >> 8n) + 1n }, size)).toBe(0);
    expect(tileOf({ level: 53, index: 0n })).toEqual({ level: 6, index: 0n });
    const edges: Uint8Array[] = [];
    for (let level = 0; size >> BigInt(8 * level) > 0n; level++)
      edges.push(
        new Uint8Array(32 * tileWidth({ level, index: size >> BigInt(8 * (level + 1)) }, size)).fill(level + 1),
      );
    const growth = TreeGrowth.from(size, edges);
    growth.add(leaf(1));
    expect(growth.size).toBe(size + 1n);
    expect(growth.takeChanged()[0]).toMatchObject({ level: 0, index: size >> 8n } satisfies Partial<Tile>);
    expect(growth.root()).toHaveLength(32);
  });

  it('does not go on from tiles of another size, nor read what a tile does not have', () => {
    expect(() => TreeGrowth.from(300n, [new Uint8Array(32 * 43), new Uint8Array(32)])).toThrow(RangeError);
    expect(() => TreeGrowth.from(300n)).toThrow(RangeError);
    expect(() => hashInTile({ level: 1, index: 3n }, new Uint8Array(32 * 7))).toThrow(FormatInvalid);
  });
});

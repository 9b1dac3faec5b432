import { HASH_BYTES } from '../tree/hashing.js';
import { treeRoot } from '../tree/proofs.js';
import { hashInTile, TILE_WIDTH, tileOf, tileRoot, tileWidth, type Tile } from './tiles.js';

/** A tile at the right edge, filled from the left. */
interface Edge {
  index: bigint;
  width: number;
  hashes: Uint8Array;
}

/**
 * A tree that grows leaf by leaf and is kept in tiles. In memory are only the tiles at its right edge, one a level, and those that
 * have changed since they were last taken.
 */
export class TreeGrowth {
  private readonly edges: Edge[] = [];
  private full: Tile[] = [];

  private constructor() {}

  /**
   * A tree that goes on from what was kept.
   *
   * @param edges the tiles at the right edge, from the leaves upwards: of each level the one that is not full, also when it is empty
   * @throws RangeError they are not those of a tree of this size
   */
  static from(size: bigint, edges: readonly Uint8Array[] = []): TreeGrowth {
    const growth = new TreeGrowth();
    for (let level = 0; size >> BigInt(8 * level) > 0n; level++) {
      const index = size >> BigInt(8 * (level + 1));
      const width = tileWidth({ level, index }, size);
      const kept = edges[level] ?? new Uint8Array();
      if (kept.length !== width * HASH_BYTES)
        throw new RangeError(`the tile at the edge of level ${level} is not whole`);
      const hashes = new Uint8Array(TILE_WIDTH * HASH_BYTES);
      hashes.set(kept);
      growth.edges.push({ index, width, hashes });
    }
    return growth;
  }

  get size(): bigint {
    const leaves = this.edges[0];
    return leaves === undefined ? 0n : leaves.index * BigInt(TILE_WIDTH) + BigInt(leaves.width);
  }

  /** Adds a leaf by its hash. */
  add(leafHash: Uint8Array): void {
    this.addAt(0, leafHash);
  }

  /** The root of the tree as it is now. RFC 9162, section 2.1.1. */
  root(): Uint8Array {
    // Every subtree that a whole tree is cut into ends at its right edge, or fills a tile whose hash is in the edge above.
    return treeRoot(this.size, (subtree) => hashInTile(subtree, this.edges[tileOf(subtree).level]!.hashes));
  }

  /** The tiles that have become full since this or `takeChanged` was last asked. */
  takeFull(): Tile[] {
    const { full } = this;
    this.full = [];
    return full;
  }

  /** The tiles that have changed since this was last asked for, those at the edge among them. */
  takeChanged(): Tile[] {
    const changed = this.takeFull();
    this.edges.forEach(({ index, width, hashes }, level) => {
      if (width > 0) changed.push({ level, index, hashes: hashes.slice(0, width * HASH_BYTES) });
    });
    return changed;
  }

  private addAt(level: number, hash: Uint8Array): void {
    const edge = (this.edges[level] ??= { index: 0n, width: 0, hashes: new Uint8Array(TILE_WIDTH * HASH_BYTES) });
    edge.hashes.set(hash, edge.width * HASH_BYTES);
    edge.width++;
    if (edge.width < TILE_WIDTH) return;
    this.full.push({ level, index: edge.index, hashes: edge.hashes });
    this.edges[level] = { index: edge.index + 1n, width: 0, hashes: new Uint8Array(TILE_WIDTH * HASH_BYTES) };
    this.addAt(level + 1, tileRoot(edge.hashes));
  }
}

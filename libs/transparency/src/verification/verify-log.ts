import { sameBytes } from '../primitives/bytes.js';
import { openCheckpoint, type OpenedCheckpoint, type Trust } from '../note/open-checkpoint.js';
import { HASH_BYTES } from '../tree/hashing.js';
import {
  consistencyProof,
  inclusionProof,
  ProofInvalid,
  treeRoot,
  verifyConsistency,
  verifyInclusion,
} from '../tree/proofs.js';
import { TreeGrowth } from '../tiles/growth.js';
import { tilePath } from '../tiles/tile-path.js';
import { TILE_WIDTH, tilesOf, tileWidth, withTiles, type Tile, type TilePlace } from '../tiles/tiles.js';

/** What is read of a log: its checkpoint and its tiles, from wherever they are. */
export interface LogSource {
  /** The checkpoint, a signed note. */
  checkpoint(): Promise<string>;
  /** A tile's hashes, at least `width` of them. */
  tile(place: TilePlace, width: number): Promise<Uint8Array>;
}

/**
 * Checks a whole log: that its tiles are those of one tree, and that this tree is what its checkpoint says.
 *
 * @param onProgress is told the leaves that were looked at, and how many there are
 * @throws FormatInvalid | ProofInvalid the message names the tile
 */
export async function verifyLog(
  source: LogSource,
  trust: Trust,
  onProgress: (leaves: bigint, size: bigint) => void = () => undefined,
): Promise<OpenedCheckpoint> {
  const checkpoint = openCheckpoint(await source.checkpoint(), trust);
  const { size } = checkpoint;
  const growth = TreeGrowth.from(0n);
  for (let index = 0n; index * BigInt(TILE_WIDTH) < size; index++) {
    const width = tileWidth({ level: 0, index }, size);
    const hashes = await tileFrom(source, { level: 0, index }, width);
    for (let i = 0; i < width; i++) growth.add(hashes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
    // Tiles of the leaves are the source's own; those above them must be what the leaves make them.
    for (const tile of growth.takeFull()) if (tile.level > 0) await assertSame(source, tile);
    onProgress(growth.size, size);
  }
  for (const tile of growth.takeChanged()) if (tile.level > 0) await assertSame(source, tile);
  if (!sameBytes(growth.root(), checkpoint.root))
    throw new ProofInvalid(`the tiles of the leaves do not have the root of the checkpoint at ${size}`);
  return checkpoint;
}

/** What a log was, or is said to have been: so many leaves, and the root over them. */
export type Tree = Pick<OpenedCheckpoint, 'size' | 'root'>;

/**
 * Checks that a log has grown from an earlier checkpoint to a later one, by the tiles of the later.
 *
 * @throws FormatInvalid | ProofInvalid
 */
export async function verifyGrowth(source: LogSource, earlier: Tree, later: Tree): Promise<void> {
  if (earlier.size > later.size)
    throw new ProofInvalid(`the log was ${earlier.size} entries long and is ${later.size}: it was taken back`);
  const proof = await withTiles(
    (read) => consistencyProof(earlier.size, later.size, read),
    tilesUnder(source, later.size),
  );
  verifyConsistency(earlier.size, later.size, earlier.root, later.root, proof);
}

/**
 * Checks that a leaf is in a log in its place, by the log's tiles.
 *
 * @throws FormatInvalid | ProofInvalid
 */
export async function verifyMember(
  source: LogSource,
  leafHash: Uint8Array,
  index: bigint,
  { size, root }: Tree,
): Promise<void> {
  const path = await withTiles((read) => inclusionProof(index, size, read), tilesUnder(source, size));
  verifyInclusion(leafHash, index, size, path, root);
}

/** The root over the first leaves of a log, by its tiles. That these are the log's is not checked. @throws FormatInvalid | ProofInvalid */
export function rootAt(source: LogSource, size: bigint, of: bigint): Promise<Uint8Array> {
  return withTiles((read) => treeRoot(size, read), tilesUnder(source, of));
}

function tilesUnder(source: LogSource, size: bigint): (places: readonly TilePlace[]) => Promise<Uint8Array[]> {
  return (places) => Promise.all(places.map((place) => tileFrom(source, place, tileWidth(place, size))));
}

/** The tiles that a whole copy of a log has, with their addresses. */
export function* tilesOfCopy(size: bigint): Generator<{ place: TilePlace; width: number; path: string }> {
  for (const { level, index, width } of tilesOf(size))
    yield { place: { level, index }, width, path: tilePath({ level, index, width }) };
}

async function assertSame(source: LogSource, { level, index, hashes }: Tile): Promise<void> {
  const kept = await tileFrom(source, { level, index }, hashes.length / HASH_BYTES);
  if (!sameBytes(kept, hashes)) throw new ProofInvalid(`tile ${level}/${index} does not fit the tiles below it`);
}

/** The first hashes of a tile, so many. @throws ProofInvalid it has fewer */
export async function tileFrom(source: LogSource, place: TilePlace, width: number): Promise<Uint8Array> {
  const hashes = await source.tile(place, width);
  if (hashes.length < width * HASH_BYTES || hashes.length % HASH_BYTES !== 0)
    throw new ProofInvalid(`tile ${place.level}/${place.index} is cut`);
  return hashes.subarray(0, width * HASH_BYTES);
}

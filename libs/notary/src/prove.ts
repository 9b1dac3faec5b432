import {
  formatProof,
  inclusionProof,
  withTiles,
  type KnownHashes,
  type ReadHash,
  type TilePlace,
} from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from './log-store.js';

/**
 * The proof that the entry at a store position is in the log, under a checkpoint. C2SP tlog-proof.
 *
 * @param checkpoint the last that is published; null when there is none
 * @returns null while the entry waits for a checkpoint that covers it
 */
export async function proveEntry(
  log: LogStore,
  position: number,
  checkpoint: SignedCheckpoint | null,
): Promise<string | null> {
  const index = await log.indexAt(position);
  if (checkpoint === null || index === null || index >= checkpoint.size) return null;
  const path = await inclusionPath(log, index, checkpoint.size);
  return formatProof({ index: BigInt(index), path, checkpoint: checkpoint.note });
}

/** The path of a leaf in the tree of so many. What is above the tiles of the leaves is remembered: one proof has it like another. */
export function inclusionPath(log: LogStore, index: number, size: number): Promise<Uint8Array[]> {
  return fromTiles(log, (read) => inclusionProof(BigInt(index), BigInt(size), read), log.known);
}

/** Answers from the log's tiles what only needs hashes of whole subtrees: roots and proofs. */
export function fromTiles<T>(log: LogStore, work: (read: ReadHash) => T, known?: KnownHashes): Promise<T> {
  const load = async (places: readonly TilePlace[]): Promise<Uint8Array[]> =>
    (await log.tiles(places)).map((hashes) => hashes ?? new Uint8Array());
  return withTiles(work, load, known);
}

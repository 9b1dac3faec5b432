import { EntriesHidden, leafText, PositionNotFound, type EventStore } from '@sijill/event-store';
import { HASH_BYTES, hashLeafText, sameBytes, TILE_WIDTH, treeRoot } from '@sijill/transparency';
import type { LogStore } from './log-store.js';
import { fromTiles } from './prove.js';

/** The store does not hold what was signed. Nothing more is signed over it before a person has looked. */
export class SignedPastLost extends Error {
  override readonly name = 'SignedPastLost';
}

/** What a read of the store failed with, where it says that what was signed is not there. */
export function signedPastLost(error: unknown): SignedPastLost | null {
  if (error instanceof SignedPastLost) return error;
  return error instanceof PositionNotFound || error instanceof EntriesHidden
    ? new SignedPastLost(error.message, { cause: error })
    : null;
}

/**
 * Compares the end of what was signed with the store: the last leaves one by one, and the root of the last checkpoint with the
 * tiles. The whole store is compared by `sijill verify store`.
 *
 * @param leaves at least so many are compared
 * @throws SignedPastLost names the first entry that is not what it was
 */
export async function assertSignedPast(store: EventStore, log: LogStore, leaves: number): Promise<void> {
  const { size, position } = await log.head();
  const checkpoint = await log.checkpoint();
  if (checkpoint !== null) await assertRoot(log, checkpoint.size, checkpoint.root);
  if (size === 0) return;
  if ((await store.head()) < position)
    throw new SignedPastLost(`the store ends before position ${position}, up to which it was signed`);
  let tile = Math.max(0, Math.floor((size - leaves) / TILE_WIDTH));
  let index = tile * TILE_WIDTH;
  const before = tile === 0 ? 0 : (await log.positionsOf(tile - 1)).at(-1)!;
  let hashes = await tileOfLeaves(log, tile);
  for await (const batch of store.readTexts({ after: before })) {
    for (const entry of batch) {
      if (index === size) return;
      if (Math.floor(index / TILE_WIDTH) !== tile) hashes = await tileOfLeaves(log, (tile += 1));
      const at = (index % TILE_WIDTH) * HASH_BYTES;
      if (!sameBytes(hashLeafText(leafText(entry)), hashes.subarray(at, at + HASH_BYTES)))
        throw new SignedPastLost(
          `leaf ${index}, entry ${entry.id} (${entry.stream}@${entry.revision}), is not what was signed`,
        );
      index++;
    }
  }
  if (index < size) throw new SignedPastLost(`the store holds ${index} entries, and ${size} were signed`);
}

async function assertRoot(log: LogStore, size: number, root: Uint8Array): Promise<void> {
  const computed = await fromTiles(log, (read) => treeRoot(BigInt(size), read));
  if (!sameBytes(computed, root)) throw new SignedPastLost(`the tiles do not have the root that was signed at ${size}`);
}

async function tileOfLeaves(log: LogStore, tile: number): Promise<Uint8Array> {
  const [hashes] = await log.tiles([{ level: 0, index: BigInt(tile) }]);
  return hashes ?? new Uint8Array();
}

import {
  entryText,
  leafText,
  StreamNotFound,
  type EntryText,
  type KeylessStore,
  type StoredEntry,
} from '@sijill/event-store';
import { hashLeafText, sameBytes } from '@sijill/transparency';
import type { LogStore } from '../log-store.js';

/**
 * Whether an entry is what the log has as its leaf. One that has the form of an entry, and whose leaf is that of a foreign event, was
 * not authenticated when it was signed: it says nothing. So it is known without a key.
 */
export function isLogged(entry: EntryText, leafHash: Uint8Array): boolean {
  return !entry.foreign && sameBytes(hashLeafText(leafText(entry)), leafHash);
}

/** The entries of a lane that the log has, in their order, each with its leaf. @throws StoreUnavailable */
export async function* loggedEntries(
  store: KeylessStore,
  log: LogStore,
  size: number,
  lane: string,
): AsyncGenerator<{ readonly entry: StoredEntry; readonly index: number }> {
  try {
    for await (const entry of store.readStream(lane)) {
      const index = await log.indexAt(entry.position);
      if (index === null || index >= size) return;
      if (isLogged(entryText(entry), await log.leafHashes(index, 1))) yield { entry, index };
    }
  } catch (error) {
    if (!(error instanceof StreamNotFound)) throw error;
  }
}

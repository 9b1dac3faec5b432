import { StreamNotFound, type EventStore, type StoredEntry } from '@sijill/event-store';

/** The entries of a lane, without what is foreign in it; none when it was never written. @throws StoreUnavailable */
export async function* entriesOfLane(
  store: EventStore,
  lane: string,
  direction: 'forwards' | 'backwards' = 'forwards',
): AsyncGenerator<StoredEntry> {
  try {
    for await (const entry of store.readStream(lane, { direction })) if (!entry.foreign) yield entry;
  } catch (error) {
    if (!(error instanceof StreamNotFound)) throw error;
  }
}

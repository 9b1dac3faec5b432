import type { EventStore } from '@sijill/event-store';

/**
 * When the last entry of the store was recorded, in milliseconds; null where there is none, or the last event is not the ledger's. A clock
 * that is behind it gives entries times that are earlier than those of entries before them.
 *
 * @throws StoreUnavailable
 */
export async function recordedUntil(store: EventStore): Promise<number | null> {
  const head = await store.head();
  if (head === 0) return null;
  for await (const [last] of store.readAll({ from: head, batchSize: 1 })) {
    const time = Date.parse(String(last?.metadata['recordedAt']));
    return Number.isNaN(time) ? null : time;
  }
  return null;
}

import { EntryStore } from './entry-store.js';
import type { EventStoreDbOptions } from './eventstoredb/eventstoredb.store.js';
import type { KeylessStore } from './raw-store.js';

/**
 * Opens an event store on EventStoreDB. It connects with the first call, not here.
 *
 * The adapter is loaded here and not with this library: its client brings ten megabytes of gRPC into the process, which a
 * server on the embedded store has no use for.
 *
 * @throws StoreRefused the connection string cannot be used
 */
export async function openEventStoreDb(options: EventStoreDbOptions): Promise<KeylessStore> {
  const { EventStoreDbStore } = await import('./eventstoredb/eventstoredb.store.js');
  return new EntryStore(new EventStoreDbStore(options), null);
}

import { openEmbeddedStore, openEventStoreDb, type EventStore } from '@sijill/event-store';
import type { Config, Logger } from '@sijill/platform';

/** The store alone, for what needs nothing else (health checks, verification). */
export async function openStore(config: Config, logger: Logger): Promise<EventStore> {
  if (config.eventStore.kind === 'embedded') return openEmbeddedStore({ file: config.eventStore.file });
  return openEventStoreDb({
    connectionString: config.eventStore.connectionString,
    streamPrefix: 'ledger-',
    onNotice: (notice) => logger.warn({ notice }, 'event store'),
  });
}

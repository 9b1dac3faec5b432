import { openEmbeddedStore, openEventStoreDb, type KeylessStore } from '@sijill/event-store';
import type { Config, Logger } from '@sijill/platform';

/**
 * The store alone, without a key: for health checks, for verification, and for whoever puts the ledger's authenticator to it.
 *
 * @param onConnect asked before anything is written or followed over a new connection; what it throws keeps it from that
 * @throws StoreRefused | StoreUnavailable
 */
export async function openStore(
  config: Config,
  logger: Logger,
  onConnect?: () => Promise<void>,
): Promise<KeylessStore> {
  if (config.eventStore.kind === 'embedded') return openEmbeddedStore({ file: config.eventStore.file });
  return openEventStoreDb({
    connectionString: config.eventStore.connectionString,
    streamPrefix: 'ledger-',
    onNotice: (notice) => logger.warn({ notice }, 'event store'),
    ...(onConnect === undefined ? {} : { onConnect }),
  });
}

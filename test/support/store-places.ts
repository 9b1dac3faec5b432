import { join } from 'node:path';
import { openEmbeddedStore, openEventStoreDb, type AuthenticStore, type KeylessStore } from '@sijill/event-store';
import { authentic } from './entry-keys.js';
import { eventStoreDbForTests } from './eventstoredb/server-for-tests.js';
import { noteServer } from './shared-server.js';
import { freshDataDir } from './sijill.js';

/** A store of its own that other processes open too, see `openStoreAt`. */
export interface StorePlace {
  readonly store: AuthenticStore;
  readonly keyless: KeylessStore;
  readonly where: string;
  stop(): Promise<void>;
}

export async function embeddedPlace(): Promise<StorePlace> {
  const where = join(freshDataDir('store'), 'ledger.sqlite');
  const keyless = openEmbeddedStore({ file: where, pollMs: 10 });
  const store = authentic(keyless);
  return { store, keyless, where, stop: () => store.close() };
}

export async function eventStoreDbPlace(): Promise<StorePlace> {
  const server = await eventStoreDbForTests();
  await noteServer('EventStoreDB', server.what);
  const keyless = await openEventStoreDb({ connectionString: server.connectionString });
  const store = authentic(keyless);
  return {
    store,
    keyless,
    where: server.connectionString,
    stop: async () => {
      await store.close();
      await server.stop();
    },
  };
}

import { openEmbeddedStore, openEventStoreDb, type AuthenticStore } from '@sijill/event-store';
import { authentic } from './entry-keys.js';

/** For programs of their own: the store at a place that a spec has made, see `store-places`. */
export async function openStoreAt(where: string): Promise<AuthenticStore> {
  return authentic(
    where.startsWith('esdb:')
      ? await openEventStoreDb({ connectionString: where })
      : openEmbeddedStore({ file: where, pollMs: 10 }),
  );
}

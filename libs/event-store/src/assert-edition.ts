import { StoreRefused } from './errors.js';
import type { KeylessStore } from './raw-store.js';

/**
 * Refuses a store whose first entry has the form of this ledger's first edition.
 *
 * @throws StoreRefused | StoreUnavailable
 */
export async function assertEdition(store: KeylessStore): Promise<void> {
  for await (const [first] of store.readAll({ batchSize: 1 })) {
    const { recordedAt, salt, format } = first!.metadata;
    if (recordedAt === undefined || salt === undefined || format !== undefined) return;
    throw new StoreRefused(
      'the event store holds a ledger of the first edition, whose entries this release does not read; start with an empty store',
    );
  }
}

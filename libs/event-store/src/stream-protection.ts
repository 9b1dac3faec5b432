import type { StreamChange, StreamProtection } from './eventstoredb/stream-protection.js';

/** What the ledger's streams begin with, in every store. */
const PREFIX = 'ledger-';

/** Who could write to the ledger's streams on an EventStoreDB or make entries disappear from it, and whether somebody has. See the adapter. */
export async function readStreamProtection(
  connectionString: string,
  lanes: readonly string[],
): Promise<StreamProtection> {
  const adapter = await import('./eventstoredb/stream-protection.js');
  return adapter.readStreamProtection(connectionString, PREFIX, lanes);
}

/** Keeps deleting and metadata writing on an EventStoreDB for its administrators, and writing for the ledger's user. See the adapter. */
export async function protectStreams(
  adminConnectionString: string,
  connectionString: string,
  lanes: readonly string[],
): Promise<StreamChange[]> {
  const adapter = await import('./eventstoredb/stream-protection.js');
  return adapter.protectStreams(adminConnectionString, connectionString, PREFIX, lanes);
}

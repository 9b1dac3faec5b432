import type { StreamChange, StreamProtection } from './eventstoredb/stream-protection.js';

/** What the ledger's streams begin with, in every store. */
const PREFIX = 'ledger-';

/** Who could make entries disappear from an EventStoreDB, and whether somebody has. See the adapter. */
export async function readStreamProtection(connectionString: string): Promise<StreamProtection> {
  const adapter = await import('./eventstoredb/stream-protection.js');
  return adapter.readStreamProtection(connectionString, PREFIX);
}

/** Keeps deleting and metadata writing on an EventStoreDB for its administrators. See the adapter. */
export async function protectStreams(adminConnectionString: string, connectionString: string): Promise<StreamChange[]> {
  const adapter = await import('./eventstoredb/stream-protection.js');
  return adapter.protectStreams(adminConnectionString, connectionString, PREFIX);
}

import { EventStoreDBClient } from '@eventstore/db-client';
import type { Hiding } from './event-store.contract.js';

/** Hides entries of an EventStoreDB as one of its users. */
export function hidingAs(connectionString: () => string): Hiding {
  const as = async (work: (client: EventStoreDBClient) => Promise<unknown>): Promise<void> => {
    const client = EventStoreDBClient.connectionString(connectionString());
    try {
      await work(client);
    } finally {
      await client.dispose();
    }
  };
  return {
    truncate: (stream, truncateBefore) => as((client) => client.setStreamMetadata(stream, { truncateBefore })),
    softDelete: (stream) => as((client) => client.deleteStream(stream)),
  };
}

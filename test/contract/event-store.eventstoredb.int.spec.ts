import { openEventStoreDb } from '@sijill/event-store';
import { eventStoreDbForTests, type ServerForTests } from '../support/eventstoredb/server-for-tests.js';
import { writeOddEvents } from '../support/eventstoredb/odd-events.js';
import { eventStoreContract } from './event-store.contract.js';
import { hidingAs } from './event-store.hiding.js';

describe('EventStoreDB', () => {
  let server: ServerForTests;
  beforeAll(async () => {
    server = await eventStoreDbForTests({ mayHoldOthers: true });
    process.stdout.write(`event store contract: on ${server.what}\n`);
  }, 180_000);
  afterAll(() => server.stop());

  eventStoreContract(
    () => openEventStoreDb({ connectionString: server.connectionString }),
    (stream) => writeOddEvents(server.connectionString, stream),
    hidingAs(() => server.connectionString),
  );
});

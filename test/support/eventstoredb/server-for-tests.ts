import { openEventStoreDb } from '@sijill/event-store';
import { startEventStoreDbStandIn } from './stand-in.js';

/** A server to test against, and what it is. */
export interface ServerForTests {
  readonly connectionString: string;
  readonly what: string;
  stop(): Promise<void>;
}

const IMAGE = 'eventstore/eventstore:24.10';

/**
 * The most real server there is: the one that EVENTSTOREDB_URL names, else one in Docker, else the stand-in. Docker is
 * passed over where no engine answers or the image cannot be had.
 *
 * @param mayHoldOthers whether other tests may have left entries there. A whole ledger wants a server that is empty: where the one that is
 *   named is not any more, this test runs on the next best, and the summary says so.
 */
export async function eventStoreDbForTests({ mayHoldOthers = false } = {}): Promise<ServerForTests> {
  const url = process.env['EVENTSTOREDB_URL'] ?? '';
  if (url === '') return (await inDocker()) ?? (await standIn('no EVENTSTOREDB_URL, no Docker'));
  if (mayHoldOthers || (await isEmpty(url)))
    return { connectionString: url, what: 'the server that EVENTSTOREDB_URL names', stop: async () => undefined };
  return (await inDocker()) ?? (await standIn('the server that EVENTSTOREDB_URL names is not empty any more'));
}

async function isEmpty(connectionString: string): Promise<boolean> {
  const store = await openEventStoreDb({ connectionString });
  try {
    return (await store.head()) === 0;
  } finally {
    await store.close();
  }
}

async function inDocker(): Promise<ServerForTests | undefined> {
  try {
    const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers');
    await getContainerRuntimeClient();
    const container = await new GenericContainer(IMAGE)
      .withEnvironment({ EVENTSTORE_INSECURE: 'true', EVENTSTORE_MEM_DB: 'true', EVENTSTORE_RUN_PROJECTIONS: 'None' })
      .withExposedPorts(2113)
      .withWaitStrategy(Wait.forHttp('/health/live', 2113).forStatusCode(204))
      .start();
    return {
      connectionString: `esdb://${container.getHost()}:${container.getMappedPort(2113)}?tls=false`,
      what: `${IMAGE} in Docker`,
      stop: async () => void (await container.stop()),
    };
  } catch {
    return undefined;
  }
}

async function standIn(why: string): Promise<ServerForTests> {
  const { connectionString, stop } = await startEventStoreDbStandIn();
  return { connectionString, what: `the stand-in (${why})`, stop };
}

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
 */
export async function eventStoreDbForTests(): Promise<ServerForTests> {
  const url = process.env['EVENTSTOREDB_URL'];
  if (url !== undefined && url !== '')
    return { connectionString: url, what: 'the server that EVENTSTOREDB_URL names', stop: async () => undefined };
  return (await inDocker()) ?? (await standIn());
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

async function standIn(): Promise<ServerForTests> {
  const { connectionString, stop } = await startEventStoreDbStandIn();
  return { connectionString, what: 'the stand-in (no EVENTSTOREDB_URL, no Docker)', stop };
}

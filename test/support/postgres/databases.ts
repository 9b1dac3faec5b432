import pg from 'pg';

/** Creates an empty database on the server at `url` and returns the URL of the new one. */
export async function createDatabase(url: string, name: string): Promise<string> {
  await execute(url, `CREATE DATABASE ${pg.escapeIdentifier(name)}`);
  const created = new URL(url);
  created.pathname = `/${encodeURIComponent(name)}`;
  return created.href;
}

/** Drops a database, even while somebody is still connected to it. */
export async function dropDatabase(url: string, name: string): Promise<void> {
  await execute(url, `DROP DATABASE IF EXISTS ${pg.escapeIdentifier(name)} WITH (FORCE)`);
}

/** True when the server answers a query. */
export async function answers(url: string): Promise<boolean> {
  await execute(url, 'SELECT 1');
  return true;
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 5_000 });
  // A connection cut by the server's shutdown must not become an uncaught error.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

import pg from 'pg';
import { pass, type Pass } from '../measure.js';
import { sampleEvents } from '../sample-events.js';
import { Unavailable, type Part, type Side } from '../side-by-side.js';
import type { Sample } from './sample.js';
import { startPostgres } from './servers.js';

const CLIENTS = [1, 16];
const TABLES = `
  create table audit (
    id bigint generated always as identity primary key,
    source text not null,
    event_id text not null,
    occurred_at timestamptz not null,
    body jsonb not null
  );
  create table outbox (
    id bigint generated always as identity primary key,
    topic text not null,
    body jsonb not null
  );
`;

interface SampleEvent {
  readonly source: string;
  readonly id: string;
  readonly time: string;
}

/**
 * What many platforms do instead: a row in an audit table and one in an outbox, in one transaction for each event.
 *
 * @throws Unavailable
 */
export async function postgresPart({ sizes: { events, atMostMs } }: Sample): Promise<Part> {
  const server = await startPostgres();
  const pool = new pg.Pool({ connectionString: server.url, max: Math.max(...CLIENTS) });
  // The server is stopped behind the last pass; an idle connection that it ends is no failure.
  pool.on('error', () => undefined);
  const close = async (): Promise<void> => {
    await pool.end();
    await server.stop();
  };
  try {
    const durability = await durabilityOf(pool);
    await pool.query(`create schema bench; set search_path to bench; ${TABLES}`);
    const bodies = [...sampleEvents(events)].map((event) => Buffer.from(JSON.stringify(event)));
    const side = (clients: number): Side => ({
      name: `PostgreSQL audit row, ${clients} client${clients === 1 ? '' : 's'}`,
      run: () => auditPass(pool, bodies, clients, atMostMs),
    });
    return {
      sides: CLIENTS.map(side),
      comparisons: [
        {
          name: 'intake, 1 caller / PostgreSQL audit row, 1 client',
          over: 'intake, 1 caller',
          under: 'PostgreSQL audit row, 1 client',
        },
        {
          name: 'intake, 16 callers / PostgreSQL audit row, 16 clients',
          over: 'intake, 16 callers',
          under: 'PostgreSQL audit row, 16 clients',
          aim: { atLeast: 5 },
        },
      ],
      notes: [
        `PostgreSQL audit row: JSON text in; BEGIN, a row in the audit table, a row in the outbox, COMMIT, as prepared statements; ${durability} (server: ${server.source})`,
      ],
      close: async () => {
        await pool.query('drop schema bench cascade');
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** @throws Unavailable when the server would lose what it has committed: then there is nothing to compare. */
async function durabilityOf(pool: pg.Pool): Promise<string> {
  const settings = ['fsync', 'synchronous_commit', 'full_page_writes'];
  const { rows } = await pool.query<{ name: string; setting: string }>(
    'select name, setting from pg_settings where name = any($1) order by name',
    [settings],
  );
  const said = rows.map(({ name, setting }) => `${name}=${setting}`).join(', ');
  if (rows.some(({ setting }) => setting !== 'on')) throw new Unavailable(`PostgreSQL runs with ${said}`);
  const version = await pool.query<{ server_version: string }>('show server_version');
  return `${version.rows[0]!.server_version}, ${said}`;
}

async function auditPass(pool: pg.Pool, bodies: readonly Buffer[], clients: number, atMostMs: number): Promise<Pass> {
  await pool.query('truncate bench.audit, bench.outbox');
  const held = await Promise.all(Array.from({ length: clients }, () => pool.connect()));
  const free = [...held];
  const calls = bodies.map((body) => async () => {
    // As many callers as clients: there is always one.
    const client = free.pop()!;
    const text = body.toString();
    const event = JSON.parse(text) as SampleEvent;
    await client.query('begin');
    await client.query({
      name: 'audit',
      text: 'insert into bench.audit (source, event_id, occurred_at, body) values ($1, $2, $3, $4)',
      values: [event.source, event.id, event.time, text],
    });
    await client.query({
      name: 'outbox',
      text: 'insert into bench.outbox (topic, body) values ($1, $2)',
      values: ['privacy.activity', text],
    });
    await client.query('commit');
    free.push(client);
    return 1;
  });
  const timed = await pass(calls, { callers: clients, atMostMs });
  for (const client of held) client.release();
  return timed;
}

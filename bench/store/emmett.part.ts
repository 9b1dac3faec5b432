import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pass, type Pass } from '../measure.js';
import { inBatches, sampleEvents } from '../sample-events.js';
import { Unavailable, type Part, type Side } from '../side-by-side.js';
import type { Sample } from './sample.js';

/** What is used of it; its own types come only with the package. */
interface Emmett {
  sqliteConnection(options: { fileName: string }): EmmettConnection;
  SQLiteConnectionPool(options: object): object;
  getSQLiteEventStore(options: object): { appendToStream(stream: string, events: readonly object[]): Promise<unknown> };
}

interface EmmettConnection {
  querySingle(sql: string): Promise<Record<string, unknown>>;
  close(): void;
}

const packages = createRequire(new URL('../../../bench/emmett/package.json', import.meta.url));
const CALLERS = 16;

/**
 * The SQLite store of emmett, an event store for Node.js.
 *
 * One connection, kept, whose calls take turns. It is the fastest arrangement that keeps the promise: calls that overlap on one
 * connection share a transaction, and all but the last are answered before its commit; with a connection for each call, sixteen
 * callers wait for each other inside SQLite until they fail as busy.
 *
 * @throws Unavailable
 */
export function emmettPart({ sizes: { events, atMostMs } }: Sample): Part {
  const emmett = load();
  const bodies = [...sampleEvents(events)];
  const side = (name: string, batch: number, callers: number): Side => ({
    name,
    run: (folder) => emmettPass(emmett, join(folder, 'emmett.sqlite'), bodies, { batch, callers, atMostMs }),
  });
  return {
    sides: [side('emmett, 16 callers', 1, CALLERS), side('emmett, 100 events a call', 100, 1)],
    comparisons: [
      {
        name: 'intake / emmett, one event a call, 16 callers',
        over: 'intake, 16 callers',
        under: 'emmett, 16 callers',
        aim: { atLeast: 10 },
      },
      {
        name: 'intake / emmett, 100 events a call',
        over: 'intake, batches of 100',
        under: 'emmett, 100 events a call',
        aim: { atLeast: 1 },
      },
    ],
    notes: [
      `emmett: JSON text in, parsed, appended to a stream of emmett-sqlite ${versionOf()} on one kept connection, calls in turn; WAL, synchronous=FULL`,
    ],
    close: async () => undefined,
  };
}

/** The package from its folder. It names no licence, so it is fetched by whoever wants the comparison, not by us. */
function load(): Emmett {
  try {
    return packages('@event-driven-io/emmett-sqlite') as Emmett;
  } catch {
    throw new Unavailable('to compare with emmett, run `npm ci --prefix bench/emmett` once');
  }
}

function versionOf(): string {
  const { dependencies } = packages('./package.json') as { dependencies: Record<string, string> };
  return dependencies['@event-driven-io/emmett-sqlite']!;
}

async function emmettPass(
  emmett: Emmett,
  fileName: string,
  events: readonly object[],
  { batch, callers, atMostMs }: { batch: number; callers: number; atMostMs: number },
): Promise<Pass> {
  const connection = emmett.sqliteConnection({ fileName });
  const pool = emmett.SQLiteConnectionPool({ fileName, connectionOptions: { connection, singleton: true } });
  const store = emmett.getSQLiteEventStore({ fileName, pool, schema: { autoMigration: 'CreateOrUpdate' } });
  const { synchronous } = await connection.querySingle('PRAGMA synchronous');
  const { journal_mode: journal } = await connection.querySingle('PRAGMA journal_mode');
  if (synchronous !== 2 || journal !== 'wal')
    throw new Error(`emmett runs with ${String(journal)}, ${String(synchronous)}`);
  const append = async (body: Buffer): Promise<number> => {
    const parsed = JSON.parse(body.toString()) as { type: string }[];
    await store.appendToStream(
      'audit-bench',
      parsed.map((data) => ({ type: data.type, data })),
    );
    return parsed.length;
  };
  const bodies = [...inBatches(events, batch)].map((each) => Buffer.from(JSON.stringify(each)));
  // The first call makes the tables.
  await append(bodies[0]!);
  let turn: Promise<unknown> = Promise.resolve();
  const calls = bodies.slice(1).map((body) => () => {
    const mine = turn.then(() => append(body));
    turn = mine;
    return mine;
  });
  const timed = await pass(calls, { callers, atMostMs });
  connection.close();
  return timed;
}

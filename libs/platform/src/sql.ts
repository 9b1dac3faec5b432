import { mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import {
  Kysely,
  Migrator,
  PostgresAdapter,
  PostgresDialect,
  sql,
  SqliteDialect,
  type ColumnDataType,
  type Expression,
  type Migration,
  type RawBuilder,
  type SqlBool,
} from 'kysely';
import { LRUCache } from 'lru-cache';
import pg from 'pg';
import { inPlace, notInPlace } from './in-place.js';

export type SqlDialect = 'sqlite' | 'postgresql';

/** A database as Kysely sees it, and which of the two dialects it speaks. `reader` never waits for a write under way. */
export interface Sql<Tables> {
  readonly dialect: SqlDialect;
  readonly writer: Kysely<Tables>;
  readonly reader: Kysely<Tables>;
  /** The writing connection of SQLite itself, for statements that are prepared once; used inside transactions of `writer` only. */
  readonly connection: Sqlite.Database | null;
  /**
   * That the file which is open is still the one that lies in its place.
   *
   * @throws FileReplaced
   */
  assertInPlace(): void;
  close(): Promise<void>;
}

/** Opens one connection to a file. A simulation brings its own, to say when the disk fails. */
export type OpenSqliteFile = (file: string) => Sqlite.Database;

export type SqlTarget = { kind: 'sqlite'; file: string; open?: OpenSqliteFile } | { kind: 'postgresql'; url: string };

/** The database could not be reached or read. */
export class DatabaseUnavailable extends Error {
  override readonly name: string = 'DatabaseUnavailable';
}

/** The file of a database was moved away or replaced while it was open: what is written into it is lost. */
export class FileReplaced extends DatabaseUnavailable {
  override readonly name = 'FileReplaced';

  constructor(file: string) {
    super(notInPlace(file));
  }
}

/** A database is none that a ledger can lie in, as it was made. Waiting does not mend that; the message says what to do. */
export class DatabaseUnfit extends DatabaseUnavailable {
  override readonly name = 'DatabaseUnfit';
}

/**
 * Opens a database and brings its tables up to date.
 *
 * @param name prefix of the migration tables, so that several parts can share one PostgreSQL database
 * @param durability `full`: a commit is on disk when it returns; `normal`: a power loss may undo the last commits, for what
 *   can be rebuilt
 * @throws DatabaseUnavailable | DatabaseUnfit
 */
export async function openSql<Tables>(
  target: SqlTarget,
  options: {
    name: string;
    durability: 'full' | 'normal';
    migrations: (dialect: SqlDialect) => Record<string, Migration>;
    /** Whether what is deleted is overwritten in the file, where that is for SQLite to do. */
    secureDelete?: boolean;
  },
): Promise<Sql<Tables>> {
  const database =
    target.kind === 'sqlite'
      ? openSqlite<Tables>(target.file, options, target.open ?? ((file) => new Sqlite(file)))
      : openPostgres<Tables>(target.url);
  const unreached = await whyUnreached(database.writer);
  if (unreached !== null) {
    await database.close();
    throw new DatabaseUnavailable(`${options.name}: the database cannot be reached (${unreached.why})`, {
      cause: unreached.error,
    });
  }
  const unfit = database.dialect === 'sqlite' ? null : await whyUnfit(database.writer);
  if (unfit !== null) {
    await database.close();
    throw new DatabaseUnfit(`${options.name}: ${unfit}`);
  }
  const migrator = new Migrator({
    db: database.writer,
    provider: { getMigrations: async () => options.migrations(database.dialect) },
    migrationTableName: `${options.name}_migration`,
    migrationLockTableName: `${options.name}_migration_lock`,
  });
  const error = await failureOf(migrator);
  if (error !== undefined) {
    await database.close();
    // The server's own words, as that the role may not create tables; those of others may hold a path or a name.
    const why = error instanceof pg.DatabaseError ? ` (${error.message})` : '';
    throw new DatabaseUnavailable(`${options.name}: the tables could not be brought up to date${why}`, {
      cause: error,
    });
  }
  return database;
}

/** What keeps a connection from being made; null when nothing does. */
async function whyUnreached<Tables>(
  db: Kysely<Tables>,
): Promise<{ readonly why: string; readonly error: unknown } | null> {
  try {
    await db.connection().execute(async () => undefined);
    return null;
  } catch (error) {
    const { code, message } = error as { readonly code?: string; readonly message: string };
    // What the server itself says, as that there is no such database, or what kept us from it.
    return { why: error instanceof pg.DatabaseError ? message : (code ?? message), error };
  }
}

/** Why a PostgreSQL database cannot hold a ledger; null when it can. In another encoding a name of somebody could not be stored, or not be read. */
async function whyUnfit<Tables>(db: Kysely<Tables>): Promise<string | null> {
  const { rows } = await sql<{ encoding: string }>`select current_setting('server_encoding') as encoding`.execute(db);
  const encoding = rows[0]?.encoding;
  return encoding === 'UTF8'
    ? null
    : `the database is in the encoding ${encoding}, in which not every text can be kept; make one in UTF8 (createdb --encoding UTF8 --template template0)`;
}

/** Whether tables could not be opened because a release made them whose migrations this one does not know. */
export function areTablesUnknown(error: unknown): boolean {
  return error instanceof DatabaseUnavailable && /missing/.test(String((error.cause as Error | undefined)?.message));
}

// Of PostgreSQL, when it is asked for all tables while another process makes and drops some: a rebuild does.
const TABLES_CAME_OR_WENT = ['42P01', '42703', 'XX000'];
const LOOKS = 50;

/** Brings tables up to date; what another process does at the same time is waited for. */
async function failureOf(migrator: Migrator): Promise<unknown> {
  for (let look = 1; ; look++) {
    const { error } = await retryWhileBusy(async () => {
      const outcome = await migrator.migrateToLatest();
      const { code } = (outcome.error ?? {}) as { code?: string };
      if (code?.startsWith('SQLITE_BUSY')) throw outcome.error as Error;
      // Another process has made the same tables at the same time. The second look finds them made.
      if (code?.startsWith('SQLITE_CONSTRAINT')) return migrator.migrateToLatest();
      return outcome;
    });
    const { code } = (error ?? {}) as { code?: string };
    if (code === undefined || !TABLES_CAME_OR_WENT.includes(code) || look === LOOKS) return error;
    await pause(10);
  }
}

// Waiting inside SQLite blocks the event loop, so it waits a moment only; longer waits are `retryWhileBusy`'s.
const BUSY_MS = 50;
const BUSY_PATIENCE_MS = 30_000;

/**
 * Runs work that another process's write may keep out, again and again for half a minute. The work must not have changed
 * anything when it fails busy: one statement, or a transaction that takes its lock first.
 */
export async function retryWhileBusy<T>(work: () => Promise<T>): Promise<T> {
  const until = Date.now() + BUSY_PATIENCE_MS;
  for (;;) {
    try {
      return await work();
    } catch (error) {
      const { code } = error as { code?: unknown };
      if (typeof code !== 'string' || !code.startsWith('SQLITE_BUSY') || Date.now() > until) throw error;
      await pause(5 + Math.random() * 20);
    }
  }
}

// SQLite syncs at checkpoints alone where a power loss may undo commits, and at its usual size the log is moved into the file with
// nearly every batch. 32 MB of log make that one sync for thousands of rows.
const SELDOM_PAGES = 8_000;

function openSqlite<Tables>(
  file: string,
  { durability, secureDelete = false }: { readonly durability: 'full' | 'normal'; readonly secureDelete?: boolean },
  open: OpenSqliteFile,
): Sql<Tables> {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  let connection;
  try {
    connection = open(file);
    connection.pragma('journal_mode = WAL');
    connection.pragma(`synchronous = ${durability.toUpperCase()}`);
    if (durability === 'normal') connection.pragma(`wal_autocheckpoint = ${SELDOM_PAGES}`);
    connection.pragma(`busy_timeout = ${BUSY_MS}`);
    connection.pragma('foreign_keys = ON');
    connection.pragma(`secure_delete = ${secureDelete ? 'ON' : 'OFF'}`);
  } catch (error) {
    throw new DatabaseUnavailable(`${file} cannot be opened as a database`, { cause: error });
  }
  const isInPlace = inPlace(file);
  const readConnection = open(file);
  readConnection.pragma(`busy_timeout = ${BUSY_MS}`);
  readConnection.pragma('query_only = ON');
  const writer = new Kysely<Tables>({ dialect: new SqliteDialect({ database: withStatementsKept(connection) }) });
  const reader = new Kysely<Tables>({ dialect: new SqliteDialect({ database: withStatementsKept(readConnection) }) });
  return {
    dialect: 'sqlite',
    writer,
    reader,
    connection,
    assertInPlace: () => {
      if (!isInPlace()) throw new FileReplaced(file);
    },
    close: async () => {
      await reader.destroy();
      await writer.destroy();
    },
  };
}

const STATEMENTS_KEPT = 200;

/** Kysely has SQLite prepare each query anew, which took longer than most of them run. */
function withStatementsKept(connection: Sqlite.Database): Pick<Sqlite.Database, 'prepare' | 'close'> {
  const statements = new LRUCache<string, Sqlite.Statement>({ max: STATEMENTS_KEPT });
  const prepare = (text: string): Sqlite.Statement => {
    let statement = statements.get(text);
    if (statement === undefined) statements.set(text, (statement = connection.prepare(text)));
    return statement;
  };
  return { prepare: prepare as Sqlite.Database['prepare'], close: () => connection.close() };
}

// Counts and positions are safe integers by construction; as text they would compare wrongly in JavaScript.
const BIGINT_OID = 20;

function openPostgres<Tables>(url: string): Sql<Tables> {
  const pool = new pg.Pool({
    connectionString: url,
    max: 8,
    connectionTimeoutMillis: 10_000,
    types: {
      getTypeParser: (oid: number, format?: 'text' | 'binary') =>
        oid === BIGINT_OID ? Number : (pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown),
    } as pg.CustomTypesConfig,
  });
  // An idle connection that breaks must not end the process; the next query opens another.
  pool.on('error', () => undefined);
  // Nor one that breaks between two statements of a transaction: the next of them fails.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const database = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });
  return {
    dialect: 'postgresql',
    writer: database,
    reader: database,
    connection: null,
    assertInPlace: () => undefined,
    close: () => database.destroy(),
  };
}

/** A text column that sorts by bytes in both dialects, whatever the locale of the database. */
export function bytewiseText(dialect: SqlDialect): ColumnDataType | RawBuilder<unknown> {
  return dialect === 'sqlite' ? 'text' : sql`text collate "C"`;
}

/** Whether a column holds one of many values, as one parameter however many there are. */
export function isAmong<Tables>(db: Kysely<Tables>, column: string, values: readonly string[]): Expression<SqlBool> {
  return db.getExecutor().adapter instanceof PostgresAdapter
    ? sql<SqlBool>`${sql.ref(column)} = any(${[...values]})`
    : sql<SqlBool>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;
}

import { sql, type Kysely, type Migration, type RawBuilder } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import { activityIndexes, createActivityTable, type ActivityTable } from './activity-timeline/table.js';
import { createEntryTables, entryIndexes, type EntryTable, type EventTable } from './entries/table.js';
import { createFirstTables } from './first-tables.js';
import { placeOf, type Place } from './place.js';
import { createQuarantineTable, type QuarantineTable } from './quarantine/table.js';

/** Where each read model stands: committed in one transaction with the rows it speaks of. */
export interface ProjectionTable {
  name: string;
  /** Store position of the last entry that is in the rows. */
  position: number;
  /** When that entry was recorded; empty while there is none. */
  as_of: string;
  /** How many rebuilds have begun; the tables of the last one bear its number until they are complete. */
  generation: number;
}

export interface ReadModelTables {
  projection: ProjectionTable;
  entry: EntryTable;
  event: EventTable;
  activity: ActivityTable;
  quarantine: QuarantineTable;
}

type RowTable = Exclude<keyof ReadModelTables, 'projection'>;

interface ReadModelSchema {
  readonly tables: readonly RowTable[];
  create(db: Kysely<unknown>, dialect: SqlDialect, place: Place): Promise<void>;
  /** Indexes that no projection needs: a rebuild makes them when the rows are there. */
  indexes(place: Place): RawBuilder<unknown>[];
}

/** The read models by name. Each comes behind those that it needs. */
export const READ_MODELS = {
  entries: { tables: ['entry', 'event'], create: createEntryTables, indexes: entryIndexes },
  'activity-timeline': { tables: ['activity'], create: createActivityTable, indexes: activityIndexes },
  quarantine: { tables: ['quarantine'], create: createQuarantineTable, indexes: () => [] },
} as const satisfies Record<string, ReadModelSchema>;

export type ReadModelName = keyof typeof READ_MODELS;

export const READ_MODEL_NAMES = Object.keys(READ_MODELS) as ReadModelName[];

/** What tells one row of a table from all others, in both dialects the same order. */
export const ROW_KEYS = {
  entry: ['entry_id'],
  event: ['source', 'event_id'],
  activity: ['position'],
  quarantine: ['position'],
} as const satisfies Record<RowTable, readonly string[]>;

export const readModelMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-24-read-models': {
    up: (db: Kysely<unknown>) => createFirstTables(db, bytewiseText(dialect)),
  },
  '2026-11-25-positions': {
    // Kysely wraps a migration in a transaction for PostgreSQL only.
    up: (db: Kysely<unknown>) =>
      db.isTransaction
        ? givePositions(db as Kysely<ReadModelTables>, dialect)
        : db.transaction().execute((trx) => givePositions(trx as unknown as Kysely<ReadModelTables>, dialect)),
  },
});

/** Gives each read model a position of its own, and the tables their present form. */
async function givePositions(db: Kysely<ReadModelTables>, dialect: SqlDialect): Promise<void> {
  // An update first: two processes that open a file at once come one behind the other.
  const { numUpdatedRows } = await db
    .updateTable('projection')
    .set({ name: 'entries' })
    .where('name', '=', 'read-models')
    .executeTakeFirst();
  // Done before: a crash has come between this transaction and the record that it was.
  if (numUpdatedRows === 0n) return;
  await sql`alter table projection add column generation bigint not null default 1`.execute(db);
  for (const name of READ_MODEL_NAMES.slice(1))
    await sql`insert into projection select ${name}, position, as_of, generation from projection where name = 'entries'`.execute(
      db,
    );
  const place = placeOf(1);
  for (const { tables, create, indexes } of Object.values(READ_MODELS)) {
    await create(db as Kysely<unknown>, dialect, place);
    for (const table of tables) {
      const columns = sql.join((await columnsOf(db, table)).map((name) => sql.ref(name)));
      await sql`insert into ${sql.table(table + place)} (${columns}) select ${columns} from ${sql.table(table)}`.execute(
        db,
      );
    }
    for (const statement of indexes(place)) await statement.execute(db);
    for (const table of tables) await replaceTable(db, table, place);
  }
}

async function columnsOf(db: Kysely<ReadModelTables>, table: RowTable): Promise<string[]> {
  const { columns } = (await db.introspection.getTables()).find(({ name }) => name === table)!;
  return columns.map(({ name }) => name);
}

/** Puts the table of a place where the live one was. Readers see the one or the other, since this is part of a transaction. */
export async function replaceTable(db: Kysely<ReadModelTables>, table: RowTable, place: Place): Promise<void> {
  await db.schema.dropTable(table).execute();
  await db.schema.alterTable(`${table}${place}`).renameTo(table).execute();
}

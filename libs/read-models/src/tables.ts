import { sql, type Kysely, type Migration } from 'kysely';
import { bytewiseText, LedgerPart, type SqlDialect } from '@sijill/platform';
import { laneEnds } from './lane-ends.js';
import { READ_MODELS } from './list.js';
import { LIVE, placeOf, type Place } from './place.js';
import type { AnyReadModel, ReadModel } from './read-model.js';

/** Where each read model stands: committed in one transaction with the rows it speaks of. */
export interface ProjectionTable {
  /** A read model's, or that of the row that stands for all, see `takeProgress`. */
  name: string;
  /** Store position of the last entry that is in the rows. */
  position: number;
  /** When that entry was recorded; empty while there is none. */
  as_of: string;
  /** How many rebuilds have begun; the tables of the last one bear its number until they are complete. */
  generation: number;
  /** Of the tables, see `ReadModel`. */
  form: number;
}

type Listed = (typeof READ_MODELS)[number];
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type TablesOf<Model> = Model extends ReadModel<string, infer Tables, any, any> ? Tables : never;
type All<Union> = (Union extends unknown ? (each: Union) => void : never) extends (all: infer Both) => void
  ? Both
  : never;

/** The tables of all read models, and where each stands. */
export type ReadModelTables = { projection: ProjectionTable } & All<TablesOf<Listed>>;

export type ReadModelName = Listed['name'];

/** The read models by their names, in the order of the list. */
export const READ_MODEL_BY_NAME: ReadonlyMap<ReadModelName, AnyReadModel> = new Map(
  READ_MODELS.map((model: AnyReadModel) => [model.name as ReadModelName, model]),
);

export const READ_MODEL_NAMES: readonly ReadModelName[] = [...READ_MODEL_BY_NAME.keys()];

/** The read model that answers under a name: its own, or that of something that is read from its tables. */
export const READ_MODEL_SERVING: ReadonlyMap<string, ReadModelName> = new Map(
  READ_MODELS.flatMap(({ name, serves }) => [name, ...serves].map((each) => [each, name] as const)),
);

/** The row of `projection` that stands for all of them. */
export const FOR_ALL = 'all';

/** What the table that says whose these are is named after. */
export const READ_MODEL = 'read_model';

export const readModelMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-30-read-models': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable('projection')
        .ifNotExists()
        .addColumn('name', bytewiseText(dialect) as 'text', (column) => column.primaryKey())
        .addColumn('position', 'bigint', (column) => column.notNull())
        .addColumn('as_of', 'text', (column) => column.notNull())
        .addColumn('generation', 'bigint', (column) => column.notNull())
        .addColumn('form', 'integer', (column) => column.notNull())
        .execute();
      await sql`insert into projection values (${FOR_ALL}, 0, '', 0, 0) on conflict do nothing`.execute(db);
    },
  },
  '2026-11-30-read-models-lane-ends': laneEnds.migration(dialect, sql`max(position) from projection`),
  '2026-12-01-read-models-ledger': LedgerPart.migration(READ_MODEL),
});

/** The read models whose tables are not there, or have another form. */
export async function withoutTables(db: Kysely<ReadModelTables>): Promise<readonly AnyReadModel[]> {
  const rows = await db.selectFrom('projection').select(['name', 'form']).execute();
  const forms = new Map(rows.map(({ name, form }) => [name, form]));
  return [...READ_MODEL_BY_NAME.values()].filter(({ name, form }) => forms.get(name) !== form);
}

/**
 * Makes the tables of read models that have none, and makes those anew that have another form: they begin at the first entry. The
 * others keep their rows and their places.
 *
 * @param trx has taken the progress, so that two processes that start at once do this one behind the other
 */
export async function makeTables(trx: Kysely<ReadModelTables>, dialect: SqlDialect): Promise<void> {
  for (const { name, form, tables, create, indexes } of await withoutTables(trx)) {
    const before = await trx.selectFrom('projection').selectAll().where('name', '=', name).executeTakeFirst();
    if (before !== undefined) {
      await dropTables(trx, tables, LIVE);
      await dropTables(trx, tables, placeOf(before.generation));
      await trx.deleteFrom('projection').where('name', '=', name).execute();
    }
    await create(trx as Kysely<unknown>, dialect, LIVE);
    for (const statement of indexes(LIVE)) await statement.execute(trx);
    const generation = before?.generation ?? 0;
    await trx.insertInto('projection').values({ name, position: 0, as_of: '', generation, form }).execute();
  }
}

/** Has all tables made anew by the next `makeTables`. @param trx has taken the progress */
export async function forgetTables(trx: Kysely<ReadModelTables>): Promise<void> {
  await trx.updateTable('projection').set({ form: -1 }).where('name', '!=', FOR_ALL).execute();
}

export async function dropTables(
  trx: Kysely<ReadModelTables>,
  tables: AnyReadModel['tables'],
  place: Place,
): Promise<void> {
  for (const table of Object.keys(tables)) await trx.schema.dropTable(`${table}${place}`).ifExists().execute();
}

/** Puts the tables of a place where the live ones were. Readers see the one or the other, since this is part of a transaction. */
export async function replaceTables(
  trx: Kysely<ReadModelTables>,
  tables: AnyReadModel['tables'],
  place: Place,
): Promise<void> {
  for (const table of Object.keys(tables)) {
    await trx.schema.dropTable(table).execute();
    await trx.schema.alterTable(`${table}${place}`).renameTo(table).execute();
  }
}

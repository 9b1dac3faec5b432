import { sql, type ColumnDataType, type Kysely, type RawBuilder } from 'kysely';

/** Whether an entry counts: `first` of its event, a later `repeat` of the same content, or a `conflict` with other content. */
export type Standing = 'first' | 'repeat' | 'conflict';

/** Every entry of the ledger and where it stands. */
export interface EntryTable {
  entry_id: string;
  position: number;
  lane: string;
  revision: number;
  type: string;
  subject_id: string | null;
  source: string | null;
  event_id: string | null;
  /** Null for entries that the ledger wrote itself. */
  standing: Standing | null;
  first_entry_id: string | null;
  recorded_at: string;
}

/** One row for each event that was ever seen, by its identity. */
export interface EventTable {
  source: string;
  event_id: string;
  first_entry_id: string;
  digest: string;
  /** Entries of the first occurrence that are here, of how many: an event of many subjects may arrive in two appends. */
  parts_seen: number;
  parts_of: number;
}

export async function createEntryTables(
  db: Kysely<unknown>,
  text: ColumnDataType | RawBuilder<unknown>,
): Promise<void> {
  const bytewise = text as 'text';
  await db.schema
    .createTable('entry')
    .ifNotExists()
    .addColumn('entry_id', bytewise, (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('lane', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('subject_id', bytewise)
    .addColumn('source', 'text')
    .addColumn('event_id', 'text')
    .addColumn('standing', 'text')
    .addColumn('first_entry_id', 'text')
    .addColumn('recorded_at', 'text', (column) => column.notNull())
    .execute();
  // Few entries are duplicates, so the list of them costs the others nothing.
  await sql`create index if not exists entry_duplicate on entry (position) where standing in ('repeat', 'conflict')`.execute(
    db,
  );
  await db.schema
    .createTable('event')
    .ifNotExists()
    .addColumn('source', bytewise, (column) => column.notNull())
    .addColumn('event_id', bytewise, (column) => column.notNull())
    .addColumn('first_entry_id', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('parts_seen', 'integer', (column) => column.notNull())
    .addColumn('parts_of', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('event_identity', ['source', 'event_id'])
    .execute();
}

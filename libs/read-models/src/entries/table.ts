import { sql, type Kysely, type RawBuilder } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import { clustered } from '../clustered.js';
import type { Place } from '../place.js';

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

export async function createEntryTables(db: Kysely<unknown>, dialect: SqlDialect, place: Place): Promise<void> {
  const text = bytewiseText(dialect) as 'text';
  await db.schema
    .createTable(`entry${place}`)
    .addColumn('entry_id', text, (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('lane', 'text', (column) => column.notNull())
    .addColumn('revision', 'bigint', (column) => column.notNull())
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('subject_id', text)
    .addColumn('source', 'text')
    .addColumn('event_id', 'text')
    .addColumn('standing', 'text')
    .addColumn('first_entry_id', 'text')
    .addColumn('recorded_at', 'text', (column) => column.notNull())
    .$call(clustered(dialect))
    .execute();
  await db.schema
    .createTable(`event${place}`)
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('event_id', text, (column) => column.notNull())
    .addColumn('first_entry_id', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('parts_seen', 'integer', (column) => column.notNull())
    .addColumn('parts_of', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint(`event${place}_identity`, ['source', 'event_id'])
    .$call(clustered(dialect))
    .execute();
}

/** Few entries are duplicates, so the list of them costs the others nothing. */
export function entryIndexes(place: Place): RawBuilder<unknown>[] {
  return [
    sql`create index ${sql.id(`entry_duplicate${place}`)} on ${sql.table(`entry${place}`)} (position) where standing in ('repeat', 'conflict')`,
  ];
}

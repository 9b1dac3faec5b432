import { sql, type Kysely, type RawBuilder } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import { clustered } from '../clustered.js';
import type { Place } from '../place.js';

/**
 * What an entry is in the history of its event: `first` of it; `conflict`, when the event's identity was used before for something
 * else; `repeat` of one of these, which is in no history.
 */
export type Standing = 'first' | 'repeat' | 'conflict';

/** Every entry of the ledger and where it stands. */
export interface EntryTable {
  entry_id: string;
  position: number;
  lane: string;
  revision: number;
  type: string;
  subject_id: string | null;
  producer: string | null;
  source: string | null;
  /** Null for entries that are no event of a producer's. */
  standing: Standing | null;
  /** Of a repeat: the entry that said the same first. Of a conflict: the first entry of that identity. */
  first_entry_id: string | null;
  recorded_at: string;
}

/**
 * The identity of an event, as a keyed tag: these tables alone keep any, so that an erasure and the end of a generation can make
 * them forgotten here.
 */
interface Identity {
  generation: string;
  tag: string;
}

/** The entries of one content. */
interface Content {
  digest: string;
  first_entry_id: string;
  /** Entries of its first occurrence that are here, of how many: an event of many subjects may arrive in two appends. */
  parts_seen: number;
  parts_of: number;
}

export interface EntryTables {
  entry: EntryTable;
  /** One row for each identity that was ever seen, with what it said first. */
  event: Identity & Content;
  /** One row for each other thing that was said under an identity. There should be none. */
  event_conflict: Identity & Content;
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
    .addColumn('producer', 'text')
    .addColumn('source', 'text')
    .addColumn('standing', 'text')
    .addColumn('first_entry_id', 'text')
    .addColumn('recorded_at', 'text', (column) => column.notNull())
    .$call(clustered(dialect))
    .execute();
  const keys: Record<'event' | 'event_conflict', ('generation' | 'tag' | 'digest')[]> = {
    event: ['generation', 'tag'],
    event_conflict: ['generation', 'tag', 'digest'],
  };
  for (const [name, key] of Object.entries(keys))
    await db.schema
      .createTable(`${name}${place}`)
      .addColumn('generation', text, (column) => column.notNull())
      .addColumn('tag', text, (column) => column.notNull())
      .addColumn('digest', text, (column) => column.notNull())
      .addColumn('first_entry_id', 'text', (column) => column.notNull())
      .addColumn('parts_seen', 'integer', (column) => column.notNull())
      .addColumn('parts_of', 'integer', (column) => column.notNull())
      .addPrimaryKeyConstraint(`${name}${place}_identity`, key)
      .$call(clustered(dialect))
      .execute();
}

/** Few entries are duplicates, so the list of them costs the others nothing. */
export function entryIndexes(place: Place): RawBuilder<unknown>[] {
  return [
    sql`create index ${sql.id(`entry_duplicate${place}`)} on ${sql.table(`entry${place}`)} (position) where standing in ('repeat', 'conflict')`,
  ];
}

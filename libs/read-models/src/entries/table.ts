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
  /** Of a repeat: the entry that said the same of the same person first. Of a conflict: the first entry of that identity. */
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

/** One thing that was said under an identity about one person: the same again is a repeat. */
interface Saying extends Identity {
  digest: string;
  /** Empty for an event about nobody. */
  subject_id: string;
  /** Which part of its event it was: an event of many subjects is as many entries. */
  part: number;
  entry_id: string;
}

export interface EntryTables {
  entry: EntryTable;
  /** One row for each identity that was ever seen, with what it said first. */
  event: Saying;
  /** What was said under an identity besides: about the other subjects of the event, or otherwise than at first. */
  event_besides: Saying;
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
  const keys: Record<'event' | 'event_besides', (keyof Saying)[]> = {
    event: ['generation', 'tag'],
    event_besides: ['generation', 'tag', 'digest', 'subject_id'],
  };
  for (const [name, key] of Object.entries(keys))
    await db.schema
      .createTable(`${name}${place}`)
      .addColumn('generation', text, (column) => column.notNull())
      .addColumn('tag', text, (column) => column.notNull())
      .addColumn('digest', text, (column) => column.notNull())
      .addColumn('subject_id', text, (column) => column.notNull())
      .addColumn('part', 'integer', (column) => column.notNull())
      .addColumn('entry_id', 'text', (column) => column.notNull())
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

import { sql, type Kysely, type RawBuilder } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import type { Place } from '../place.js';

/**
 * One row for each event of a subject that is in its history: what came first of its identity, and conflicts. The columns are what
 * queries filter and order by; `body` is the answer, but for what is sealed.
 */
export interface ActivityTable {
  entry_id: string;
  position: number;
  subject_id: string;
  /** collection, use, disclosure, deletion, or null for consents, objections, requests and notices. */
  activity: string | null;
  type: string;
  occurred_at: string;
  recorded_at: string;
  /** `first` or `conflict`. */
  standing: string;
  producer: string | null;
  /** Of the customer acted for; of one that is a person its opaque id. Null: the platform acted for itself. */
  on_behalf_of: string | null;
  ground: string | null;
  /** Of a recipient that is a person its opaque id. */
  recipient_id: string | null;
  recipient_class: string | null;
  purpose: string | null;
  /** The data categories between bars, such as |contact.phone|message.content|. */
  categories: string;
  /** What is open in the entry, as JSON. */
  body: string;
  /**
   * The entry's sealed parts that readers may be shown, as JSON: part → JWE. They are opened on the way out, for one looked-up
   * person. Null: there were none, or an erasure has taken them; `body` says which.
   */
  sealed: string | null;
}

export interface ActivityTables {
  activity: ActivityTable;
}

export async function createActivityTable(db: Kysely<unknown>, dialect: SqlDialect, place: Place): Promise<void> {
  const text = bytewiseText(dialect) as 'text';
  // Nobody asks for a row by its entry's id. By its position it is the table's own number in SQLite, and costs no index.
  const number = dialect === 'sqlite' ? 'integer' : 'bigint';
  await db.schema
    .createTable(`activity${place}`)
    .addColumn('position', number, (column) => column.primaryKey())
    .addColumn('entry_id', text, (column) => column.notNull())
    .addColumn('subject_id', text, (column) => column.notNull())
    .addColumn('activity', text)
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('occurred_at', text, (column) => column.notNull())
    .addColumn('recorded_at', text, (column) => column.notNull())
    .addColumn('standing', 'text', (column) => column.notNull())
    .addColumn('producer', 'text')
    .addColumn('on_behalf_of', 'text')
    .addColumn('ground', 'text')
    .addColumn('recipient_id', 'text')
    .addColumn('recipient_class', 'text')
    .addColumn('purpose', 'text')
    .addColumn('categories', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .addColumn('sealed', 'text')
    .execute();
}

/** A person with a hundred thousand uses and three disclosures is answered from the three. */
export function activityIndexes(place: Place): RawBuilder<unknown>[] {
  const on = sql`${sql.table(`activity${place}`)} (subject_id, occurred_at, recorded_at, entry_id)`;
  return [
    sql`create index ${sql.id(`activity_timeline${place}`)} on ${on}`,
    sql`create index ${sql.id(`activity_disclosures${place}`)} on ${on} where activity = 'disclosure'`,
  ];
}

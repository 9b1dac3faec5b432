import { sql, type ColumnDataType, type Kysely, type RawBuilder } from 'kysely';

/** One row for each counted event of a subject. The columns are what queries filter and order by; `body` is the answer. */
export interface ActivityTable {
  entry_id: string;
  position: number;
  subject_id: string;
  /** collection, use, disclosure, deletion, or null for consents, objections, requests and notices. */
  activity: string | null;
  type: string;
  occurred_at: string;
  recorded_at: string;
  recipient_id: string | null;
  recipient_class: string | null;
  purpose: string | null;
  /** The data categories between bars, such as |contact.phone|message.content|. */
  categories: string;
  /** The whole view but for `sealed`, as JSON. */
  body: string;
}

export async function createActivityTable(
  db: Kysely<unknown>,
  text: ColumnDataType | RawBuilder<unknown>,
): Promise<void> {
  const bytewise = text as 'text';
  await db.schema
    .createTable('activity')
    .ifNotExists()
    .addColumn('entry_id', bytewise, (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('subject_id', bytewise, (column) => column.notNull())
    .addColumn('activity', bytewise)
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('occurred_at', bytewise, (column) => column.notNull())
    .addColumn('recorded_at', bytewise, (column) => column.notNull())
    .addColumn('recipient_id', 'text')
    .addColumn('recipient_class', 'text')
    .addColumn('purpose', 'text')
    .addColumn('categories', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
  await sql`create index if not exists activity_timeline on activity (subject_id, occurred_at, recorded_at, entry_id)`.execute(
    db,
  );
  // A person with a hundred thousand uses and three disclosures is answered from the three.
  await sql`create index if not exists activity_disclosures on activity (subject_id, occurred_at, recorded_at, entry_id) where activity = 'disclosure'`.execute(
    db,
  );
}

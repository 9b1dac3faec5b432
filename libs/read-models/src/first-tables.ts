import { sql, type ColumnDataType, type Kysely, type RawBuilder } from 'kysely';

/** The tables of the first release, as they were: where files and databases of that time start from. */
export async function createFirstTables(
  db: Kysely<unknown>,
  bytewise: ColumnDataType | RawBuilder<unknown>,
): Promise<void> {
  const text = bytewise as 'text';
  await db.schema
    .createTable('projection')
    .ifNotExists()
    .addColumn('name', text, (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('as_of', 'text', (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('entry')
    .ifNotExists()
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
    .execute();
  await sql`create index if not exists entry_duplicate on entry (position) where standing in ('repeat', 'conflict')`.execute(
    db,
  );
  await db.schema
    .createTable('event')
    .ifNotExists()
    .addColumn('source', text, (column) => column.notNull())
    .addColumn('event_id', text, (column) => column.notNull())
    .addColumn('first_entry_id', 'text', (column) => column.notNull())
    .addColumn('digest', 'text', (column) => column.notNull())
    .addColumn('parts_seen', 'integer', (column) => column.notNull())
    .addColumn('parts_of', 'integer', (column) => column.notNull())
    .addPrimaryKeyConstraint('event_identity', ['source', 'event_id'])
    .execute();
  await db.schema
    .createTable('activity')
    .ifNotExists()
    .addColumn('entry_id', text, (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull())
    .addColumn('subject_id', text, (column) => column.notNull())
    .addColumn('activity', text)
    .addColumn('type', 'text', (column) => column.notNull())
    .addColumn('occurred_at', text, (column) => column.notNull())
    .addColumn('recorded_at', text, (column) => column.notNull())
    .addColumn('recipient_id', 'text')
    .addColumn('recipient_class', 'text')
    .addColumn('purpose', 'text')
    .addColumn('categories', 'text', (column) => column.notNull())
    .addColumn('body', 'text', (column) => column.notNull())
    .execute();
  await sql`create index if not exists activity_timeline on activity (subject_id, occurred_at, recorded_at, entry_id)`.execute(
    db,
  );
  await sql`create index if not exists activity_disclosures on activity (subject_id, occurred_at, recorded_at, entry_id) where activity = 'disclosure'`.execute(
    db,
  );
  await db.schema
    .createTable('quarantine')
    .ifNotExists()
    .addColumn('entry_id', text, (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull().unique())
    .addColumn('recorded_at', 'text', (column) => column.notNull())
    .addColumn('lane', 'text', (column) => column.notNull())
    .addColumn('topic', 'text')
    .addColumn('partition', 'integer')
    .addColumn('offset', 'bigint')
    .addColumn('code', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('source', 'text')
    .addColumn('event_id', 'text')
    .addColumn('replayed_as', 'text')
    .execute();
  await sql`insert into projection (name, position, as_of) values ('read-models', 0, '') on conflict do nothing`.execute(
    db,
  );
}

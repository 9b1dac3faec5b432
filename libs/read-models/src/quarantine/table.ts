import type { ColumnDataType, Kysely, RawBuilder } from 'kysely';

/** What arrived and could not be understood: where, why, and what became of it. */
export interface QuarantineTable {
  entry_id: string;
  position: number;
  recorded_at: string;
  lane: string;
  topic: string | null;
  partition: number | null;
  offset: number | null;
  code: string;
  message: string;
  size: number;
  source: string | null;
  event_id: string | null;
  replayed_as: string | null;
}

export async function createQuarantineTable(
  db: Kysely<unknown>,
  text: ColumnDataType | RawBuilder<unknown>,
): Promise<void> {
  await db.schema
    .createTable('quarantine')
    .ifNotExists()
    .addColumn('entry_id', text as 'text', (column) => column.primaryKey())
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
}

import { sql, type Kysely, type Migration } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import type { ActivityTable } from './activity-timeline/table.js';
import { createActivityTable } from './activity-timeline/table.js';
import { createEntryTables, type EntryTable, type EventTable } from './entries/table.js';
import { createQuarantineTable, type QuarantineTable } from './quarantine/table.js';

/** Where a read model stands: committed in one transaction with the rows it speaks of. */
export interface ProjectionTable {
  name: string;
  /** Store position of the last entry that is in the rows. */
  position: number;
  /** When that entry was recorded; empty while there is none. */
  as_of: string;
}

export interface ReadModelTables {
  projection: ProjectionTable;
  entry: EntryTable;
  event: EventTable;
  activity: ActivityTable;
  quarantine: QuarantineTable;
}

export const readModelMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-24-read-models': {
    up: async (db: Kysely<unknown>) => {
      const text = bytewiseText(dialect);
      await db.schema
        .createTable('projection')
        .ifNotExists()
        .addColumn('name', text as 'text', (column) => column.primaryKey())
        .addColumn('position', 'bigint', (column) => column.notNull())
        .addColumn('as_of', 'text', (column) => column.notNull())
        .execute();
      await createEntryTables(db, text);
      await createActivityTable(db, text);
      await createQuarantineTable(db, text);
      await sql`insert into projection (name, position, as_of) values ('read-models', 0, '') on conflict do nothing`.execute(
        db,
      );
    },
  },
});

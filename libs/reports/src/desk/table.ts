import type { Kysely, Migration } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';

/** Report jobs. Not a read model: what was asked for and is not made yet stands nowhere else. */
export interface ReportTables {
  report: {
    id: string;
    kind: string;
    subject_id: string;
    /** The server that took the order: it makes the report, and its data directory holds the files. */
    node: string;
    status: string;
    /** 0 to 1. */
    progress: number;
    created_at: string;
    as_of: string | null;
    /** The order: period, formats, language; reason and who asked, sealed with the subject's key. */
    sealed_order: string;
    /** JSON list of {name, mediaType, size, sha256}. */
    files: string;
    error: string | null;
  };
}

export const reportMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-24-reports': {
    up: async (db: Kysely<unknown>) => {
      const text = bytewiseText(dialect) as 'text';
      await db.schema
        .createTable('report')
        .ifNotExists()
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('kind', 'text', (column) => column.notNull())
        .addColumn('subject_id', text, (column) => column.notNull())
        .addColumn('node', text, (column) => column.notNull())
        .addColumn('status', 'text', (column) => column.notNull())
        .addColumn('progress', 'real', (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('as_of', 'text')
        .addColumn('sealed_order', 'text', (column) => column.notNull())
        .addColumn('files', 'text', (column) => column.notNull())
        .addColumn('error', 'text')
        .execute();
    },
  },
});

import { sql, type Kysely, type Migration } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';

/** What this witness has cosigned last of each log. It is what a witness is: lost, it would cosign a second history. */
export interface WitnessTables {
  witnessed_log: { origin: string; size: number; root: Buffer; cosigned_at: string };
}

export const witnessMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-25-witness': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable('witnessed_log')
        .addColumn('origin', bytewiseText(dialect) as 'text', (column) => column.primaryKey())
        .addColumn('size', 'bigint', (column) => column.notNull())
        .addColumn('root', (dialect === 'sqlite' ? 'blob' : sql`bytea`) as 'blob', (column) => column.notNull())
        .addColumn('cosigned_at', 'text', (column) => column.notNull())
        .execute();
    },
  },
});

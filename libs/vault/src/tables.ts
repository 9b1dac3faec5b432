import type { Kysely, Migration } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';

/** The one erasable store. A row of `vault_key` is a holder; deleting it makes all that is sealed for it unreadable. */
export interface VaultTables {
  vault_meta: { name: string; value: string };
  vault_key: { holder_id: string; wrapped: string; kek_id: string; created_at: string };
  vault_identifier: {
    blind_index: string;
    scheme: string;
    subject_id: string;
    /** The identifier itself, sealed with the subject's key. */
    sealed: string;
    linked_at: string;
  };
}

export const vaultMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-24-vault': {
    up: async (db: Kysely<unknown>) => {
      const text = bytewiseText(dialect);
      await db.schema
        .createTable('vault_meta')
        .ifNotExists()
        .addColumn('name', text as 'text', (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('vault_key')
        .ifNotExists()
        .addColumn('holder_id', text as 'text', (column) => column.primaryKey())
        .addColumn('wrapped', 'text', (column) => column.notNull())
        .addColumn('kek_id', 'text', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('vault_identifier')
        .ifNotExists()
        .addColumn('blind_index', text as 'text', (column) => column.primaryKey())
        .addColumn('scheme', 'text', (column) => column.notNull())
        .addColumn('subject_id', text as 'text', (column) => column.notNull())
        .addColumn('sealed', 'text', (column) => column.notNull())
        .addColumn('linked_at', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('vault_identifier_subject')
        .ifNotExists()
        .on('vault_identifier')
        .column('subject_id')
        .execute();
    },
  },
});

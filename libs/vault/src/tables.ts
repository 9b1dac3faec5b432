import type { Kysely, Migration } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import { createCaseTables, type CaseTables } from './cases/tables.js';
import { createDirectoryTables, type DirectoryTables } from './directory/tables.js';

/** The one erasable store. A row of `vault_key` is a holder; deleting it makes all that is sealed for it unreadable. */
export interface VaultTables extends DirectoryTables, CaseTables {
  /**
   * `lock`: taken by whoever changes anything. `sequence`, `epoch`: see `VaultSql`. `keyring`, `ledger`: whose vault this is. `wrapping`: the
   * wrapping key that was added last.
   */
  vault_meta: { name: string; value: string };
  vault_key: {
    /** `subject/<id>`, `staff/<year>`, … or a whole key id, of a secret that is kept by itself. */
    holder: string;
    /** Whose root it is: what leads to the subject goes with it. Null for all others. */
    subject_id: string | null;
    /** Of a subject's root: goes up when it is made anew, and is in the ids of the keys that follow from it. 0 for all others. */
    generation: number;
    wrapped: string;
    /** The wrapping key of the keyring; or a day, for what goes with its day. */
    wrapped_by: string;
    created_at: string;
  };
  /** Whose secret a text of several subjects has: it goes with the first of them. */
  vault_share: { holder: string; subject_id: string };
}

export const vaultMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-30-vault': {
    up: async (db: Kysely<unknown>) => {
      const text = bytewiseText(dialect) as 'text';
      await db.schema
        .createTable('vault_meta')
        .ifNotExists()
        .addColumn('name', text, (column) => column.primaryKey())
        .addColumn('value', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('vault_key')
        .ifNotExists()
        .addColumn('holder', text, (column) => column.primaryKey())
        .addColumn('subject_id', text, (column) => column.unique())
        .addColumn('generation', 'integer', (column) => column.notNull())
        .addColumn('wrapped', 'text', (column) => column.notNull())
        .addColumn('wrapped_by', text, (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('vault_share')
        .ifNotExists()
        .addColumn('holder', text, (column) => column.notNull())
        .addColumn('subject_id', text, (column) => column.notNull())
        .addPrimaryKeyConstraint('vault_share_place', ['subject_id', 'holder'])
        .execute();
      await createDirectoryTables(db, dialect);
    },
  },
  '2026-11-30-vault-cases': { up: (db: Kysely<unknown>) => createCaseTables(db, dialect) },
});

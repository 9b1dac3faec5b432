import { sql, type Kysely, type Migration } from 'kysely';
import { bytewiseText, LedgerPart, type SqlDialect } from '@sijill/platform';
import { createCaseTables, type CaseTables } from './cases/tables.js';
import { createDirectoryTables, type DirectoryTables } from './directory/tables.js';

/** The one erasable store. A row of `vault_key` is a holder; deleting it makes all that is sealed for it unreadable. */
export interface VaultTables extends DirectoryTables, CaseTables {
  /**
   * `lock`: taken by whoever changes anything. `keyring`, `ledger`: whose vault this is. The others are the vault's state, see
   * `VaultState`.
   */
  vault_meta: { name: string; value: string };
  vault_key: {
    /**
     * `subject/<id>`, `staff/<year>`, `tags/<quarter>/<tag key of the keyring>`, … or a whole key id, of a secret that is kept by itself.
     */
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

/** What the vault's own table of whose it is is named after. */
export const VAULT = 'vault';

export const vaultMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-12-01-vault': {
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
      await db.schema.createIndex('vault_key_wrapped_by').ifNotExists().on('vault_key').column('wrapped_by').execute();
      await createDirectoryTables(db, dialect);
      await createTrigger(db, dialect);
    },
  },
  '2026-12-01-vault-cases': { up: (db: Kysely<unknown>) => createCaseTables(db, dialect) },
  '2026-12-01-vault-ledger': LedgerPart.migration(VAULT),
});

/**
 * Whoever destroys a key, by whatever means, a shell with foreign keys off included: what leads to its subject goes with it, and every
 * process forgets what it remembers.
 */
async function createTrigger(db: Kysely<unknown>, dialect: SqlDialect): Promise<void> {
  const forget = `
    delete from vault_binding where subject_id = old.subject_id;
    delete from vault_use where subject_id = old.subject_id;
    update vault_meta set value = cast(cast(value as bigint) + 1 as text) where name = 'epoch';`;
  const statements =
    dialect === 'sqlite'
      ? [`create trigger if not exists vault_key_destroyed after delete on vault_key begin ${forget} end`]
      : [
          `create or replace function vault_key_destroyed() returns trigger language plpgsql
             as $$ begin ${forget} return null; end $$`,
          'drop trigger if exists vault_key_destroyed on vault_key',
          `create trigger vault_key_destroyed after delete on vault_key
             for each row execute function vault_key_destroyed()`,
        ];
  for (const statement of statements) await sql.raw(statement).execute(db);
}

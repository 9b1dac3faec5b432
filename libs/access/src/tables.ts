import { sql, type Kysely, type Migration } from 'kysely';
import { bytewiseText, LedgerPart, type SqlDialect } from '@sijill/platform';

export interface AccessTables {
  /** Who acts: one row a name, so that two keys of one name are one principal. The id alone stands in entries. */
  principal: { id: string; name: string };
  api_key: {
    id: string;
    principal_id: string;
    /** Comma-separated roles. */
    roles: string;
    /** The producer that it speaks for; null without the role producer. */
    producer: string | null;
    /** The id of the recipient that it answers for; null without the role recipient. */
    recipient: string | null;
    /** SHA-256 of the key's secret part; the secret is 256 random bits, so a fast hash is enough. */
    hash: string;
    created_at: string;
    expires_at: string | null;
    revoked_at: string | null;
  };
  producer: {
    name: string;
    /** JSON: prefixes, sorted; an empty list means any source. */
    sources: string;
    realm: string;
    may_link: number;
    created_at: string;
    retired_at: string | null;
  };
  /** What a principal did lately that is counted, a row each time; `at` in milliseconds since the Unix epoch. */
  principal_use: { principal_id: string; what: string; at: number };
  /** Entries that are decided, those that are in the ledger too, JSON, in the order of the changes that they tell of. */
  access_outbox: { number: number; entry: string };
  /**
   * `last`: the number given last, whose row whoever changes anything locks first. `done`: up to which others stand in the ledger whose rows
   * are gone, with a database that was lost.
   */
  access_outbox_end: { name: 'last' | 'done'; number: number };
  /** One row: the highest epoch of the vault that was seen beside this database. */
  access_vault: { one: number; epoch: number };
}

/** What the table that says whose these are is named after. */
export const ACCESS = 'access';

export const accessMigrations = (dialect: SqlDialect): Record<string, Migration> => ({
  '2026-11-30-access': {
    up: async (db: Kysely<unknown>) => {
      const text = bytewiseText(dialect) as 'text';
      await db.schema
        .createTable('principal')
        .ifNotExists()
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('name', text, (column) => column.notNull().unique())
        .execute();
      await db.schema
        .createTable('api_key')
        .ifNotExists()
        .addColumn('id', text, (column) => column.primaryKey())
        .addColumn('principal_id', text, (column) => column.notNull())
        .addColumn('roles', 'text', (column) => column.notNull())
        .addColumn('producer', text)
        .addColumn('recipient', 'text')
        .addColumn('hash', 'text', (column) => column.notNull())
        .addColumn('created_at', text, (column) => column.notNull())
        .addColumn('expires_at', 'text')
        .addColumn('revoked_at', 'text')
        .execute();
      await db.schema
        .createTable('producer')
        .ifNotExists()
        .addColumn('name', text, (column) => column.primaryKey())
        .addColumn('sources', 'text', (column) => column.notNull())
        .addColumn('realm', 'text', (column) => column.notNull())
        .addColumn('may_link', 'integer', (column) => column.notNull())
        .addColumn('created_at', 'text', (column) => column.notNull())
        .addColumn('retired_at', 'text')
        .execute();
      await db.schema
        .createTable('access_outbox')
        .ifNotExists()
        .addColumn('number', 'bigint', (column) => column.primaryKey())
        .addColumn('entry', 'text', (column) => column.notNull())
        .execute();
      await db.schema
        .createTable('access_outbox_end')
        .ifNotExists()
        .addColumn('name', text, (column) => column.primaryKey())
        .addColumn('number', 'bigint', (column) => column.notNull())
        .execute();
    },
  },
  '2026-11-30-access-uses': {
    up: async (db: Kysely<unknown>) => {
      const text = bytewiseText(dialect) as 'text';
      await db.schema
        .createTable('principal_use')
        .ifNotExists()
        .addColumn('principal_id', text, (column) => column.notNull())
        .addColumn('what', text, (column) => column.notNull())
        .addColumn('at', 'bigint', (column) => column.notNull())
        .execute();
      await db.schema
        .createIndex('principal_use_principal_id')
        .ifNotExists()
        .on('principal_use')
        .columns(['principal_id', 'what', 'at'])
        .execute();
    },
  },
  '2026-12-01-access-ledger': LedgerPart.migration(ACCESS),
  '2026-12-01-access-vault': {
    up: async (db: Kysely<unknown>) => {
      await db.schema
        .createTable('access_vault')
        .ifNotExists()
        .addColumn('one', 'integer', (column) => column.primaryKey())
        .addColumn('epoch', 'bigint', (column) => column.notNull())
        .execute();
      await sql`insert into access_vault values (1, 0) on conflict do nothing`.execute(db);
    },
  },
});

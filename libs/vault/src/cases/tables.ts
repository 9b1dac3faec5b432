import type { Kysely } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';

/** What two people decide, and where two are asked for. Times are milliseconds since the Unix epoch. */
export interface CaseTables {
  /** What one person asked for and another answers, and what became of it. */
  vault_confirmation: {
    confirmation_id: string;
    /** The place in the outbox of the entry that tells that it was asked: the order in which they are listed. */
    number: number;
    what: string;
    /** JSON: what it is about, ids only. */
    about: string;
    /** Why it was asked for: sealed with the case's own secret. */
    sealed: string;
    /** A principal. */
    asked_by: string;
    asked_at: number;
    expires_at: number;
    /** `given` or `declined`; null while nobody has answered, like the next two. */
    answer: string | null;
    answered_by: string | null;
    answered_at: number | null;
    /** JSON: what came of it, where something was carried out. */
    outcome: string | null;
    /** When whoever asked has fetched the result, where there is one. */
    fetched_at: number | null;
  };
  /** What each server of the ledger was told at its last start that needs a second person: words with commas between. */
  vault_dual_control: { node: string; covers: string };
}

/** A step of the vault's migration. */
export async function createCaseTables(db: Kysely<unknown>, dialect: SqlDialect): Promise<void> {
  const text = bytewiseText(dialect) as 'text';
  await db.schema
    .createTable('vault_confirmation')
    .ifNotExists()
    .addColumn('confirmation_id', text, (column) => column.primaryKey())
    .addColumn('number', 'bigint', (column) => column.notNull().unique())
    .addColumn('what', text, (column) => column.notNull())
    .addColumn('about', 'text', (column) => column.notNull())
    .addColumn('sealed', 'text', (column) => column.notNull())
    .addColumn('asked_by', text, (column) => column.notNull())
    .addColumn('asked_at', 'bigint', (column) => column.notNull())
    .addColumn('expires_at', 'bigint', (column) => column.notNull())
    .addColumn('answer', text)
    .addColumn('answered_by', text)
    .addColumn('answered_at', 'bigint')
    .addColumn('outcome', 'text')
    .addColumn('fetched_at', 'bigint')
    .execute();
  await db.schema
    .createTable('vault_dual_control')
    .ifNotExists()
    .addColumn('node', text, (column) => column.primaryKey())
    .addColumn('covers', 'text', (column) => column.notNull())
    .execute();
}

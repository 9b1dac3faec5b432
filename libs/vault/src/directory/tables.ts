import type { ForeignKeyConstraintBuilder, Kysely } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';

/**
 * Who is who. Times are milliseconds since the Unix epoch; an interval holds its `since` and not its `until`, and one without a
 * beginning or an end has {@link ALWAYS} or {@link NEVER} there.
 */
export interface DirectoryTables {
  /**
   * Each subject and the person it belongs to: all that are linked have the same `person_id`, which means nothing else. It stays when the
   * subject's key was destroyed, so that whoever asks for the subject hears that it was, and not that there was none.
   */
  vault_subject: { subject_id: string; person_id: string };
  /** To whom an identifier leads, in one interval between two of its cuts; as long as that subject has a key. */
  vault_binding: {
    blind_index: string;
    since: number;
    until: number;
    subject_id: string;
    scheme: string;
    /** Empty where the scheme has none. */
    realm: string;
    /** The producer that said so. */
    producer: string;
    /** The identifier itself, sealed with the subject's key. */
    sealed: string;
  };
  /** The moments at which an identifier was released, whoever had it. */
  vault_cut: { blind_index: string; at: number };
  /** Who else was named with an identifier that leads to somebody. */
  vault_use: { blind_index: string; subject_id: string };
  /** Two subjects that were found to be one person; `subject_a` sorts before `subject_b`. */
  vault_edge: { edge_id: string; subject_a: string; subject_b: string };
  /**
   * Two subjects of whom an event spoke as one while nothing made them one, or whom an officer keeps apart; one row a pair,
   * `subject_a` before `subject_b`.
   */
  vault_case: {
    case_id: string;
    subject_a: string;
    subject_b: string;
    /** The number of the change that made it: the order in which cases are listed. */
    number: number;
    /** Of the identifiers that led to the two, sorted, with commas between. */
    schemes: string;
    producer: string | null;
    entry_id: string | null;
    recorded_at: number;
    /** Of the separation that keeps the two apart, while it stands. */
    separation_id: string | null;
  };
  /** Entries that are decided, those that are in the event store too. */
  vault_outbox: { number: number; entry: string };
}

/** Before all times, and after them: whole numbers that both dialects and JavaScript keep exactly. */
export const ALWAYS = Number.MIN_SAFE_INTEGER;
export const NEVER = Number.MAX_SAFE_INTEGER;

/** No identifier may lead to somebody whose key was destroyed: nothing could be sealed for that person, by anybody, for ever. */
function goesWithIt(key: ForeignKeyConstraintBuilder): ForeignKeyConstraintBuilder {
  return key.onDelete('cascade');
}

/** A step of the vault's migration. */
export async function createDirectoryTables(db: Kysely<unknown>, dialect: SqlDialect): Promise<void> {
  const text = bytewiseText(dialect) as 'text';
  await db.schema
    .createTable('vault_subject')
    .ifNotExists()
    .addColumn('subject_id', text, (column) => column.primaryKey())
    .addColumn('person_id', text, (column) => column.notNull())
    .execute();
  await db.schema
    .createTable('vault_binding')
    .ifNotExists()
    .addColumn('blind_index', text, (column) => column.notNull())
    .addColumn('since', 'bigint', (column) => column.notNull())
    .addColumn('until', 'bigint', (column) => column.notNull())
    .addColumn('subject_id', text, (column) => column.notNull())
    .addColumn('scheme', text, (column) => column.notNull())
    .addColumn('realm', text, (column) => column.notNull())
    .addColumn('producer', text, (column) => column.notNull())
    .addColumn('sealed', 'text', (column) => column.notNull())
    .addPrimaryKeyConstraint('vault_binding_key', ['blind_index', 'since'])
    .addForeignKeyConstraint('vault_binding_subject', ['subject_id'], 'vault_key', ['subject_id'], goesWithIt)
    .execute();
  await db.schema
    .createTable('vault_cut')
    .ifNotExists()
    .addColumn('blind_index', text, (column) => column.notNull())
    .addColumn('at', 'bigint', (column) => column.notNull())
    .addPrimaryKeyConstraint('vault_cut_key', ['blind_index', 'at'])
    .execute();
  await db.schema
    .createTable('vault_use')
    .ifNotExists()
    .addColumn('blind_index', text, (column) => column.notNull())
    .addColumn('subject_id', text, (column) => column.notNull())
    .addPrimaryKeyConstraint('vault_use_key', ['blind_index', 'subject_id'])
    .addForeignKeyConstraint('vault_use_subject', ['subject_id'], 'vault_key', ['subject_id'], goesWithIt)
    .execute();
  await db.schema
    .createTable('vault_edge')
    .ifNotExists()
    .addColumn('edge_id', text, (column) => column.primaryKey())
    .addColumn('subject_a', text, (column) => column.notNull())
    .addColumn('subject_b', text, (column) => column.notNull())
    .addUniqueConstraint('vault_edge_pair', ['subject_a', 'subject_b'])
    .execute();
  await db.schema
    .createTable('vault_case')
    .ifNotExists()
    .addColumn('case_id', text, (column) => column.primaryKey())
    .addColumn('subject_a', text, (column) => column.notNull())
    .addColumn('subject_b', text, (column) => column.notNull())
    .addColumn('number', 'bigint', (column) => column.notNull().unique())
    .addColumn('schemes', 'text', (column) => column.notNull())
    .addColumn('producer', text)
    .addColumn('entry_id', text)
    .addColumn('recorded_at', 'bigint', (column) => column.notNull())
    .addColumn('separation_id', text)
    .addUniqueConstraint('vault_case_pair', ['subject_a', 'subject_b'])
    .execute();
  await db.schema
    .createTable('vault_outbox')
    .ifNotExists()
    .addColumn('number', 'bigint', (column) => column.primaryKey())
    .addColumn('entry', 'text', (column) => column.notNull())
    .execute();
  for (const [table, column] of INDEXED) {
    await db.schema.createIndex(`${table}_${column}`).ifNotExists().on(table).column(column).execute();
  }
}

const INDEXED = [
  ['vault_subject', 'person_id'],
  ['vault_binding', 'subject_id'],
  ['vault_use', 'subject_id'],
  ['vault_edge', 'subject_b'],
  ['vault_case', 'subject_b'],
] as const;

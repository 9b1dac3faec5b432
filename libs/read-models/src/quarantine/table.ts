import type { Kysely } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import type { Place } from '../place.js';

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
  /** The sealed source and event id, as far as they could be read: a JWE. Null: neither could be. */
  identity: string | null;
  replayed_as: string | null;
}

export interface QuarantineTables {
  quarantine: QuarantineTable;
}

export async function createQuarantineTable(db: Kysely<unknown>, dialect: SqlDialect, place: Place): Promise<void> {
  await db.schema
    .createTable(`quarantine${place}`)
    .addColumn('entry_id', bytewiseText(dialect) as 'text', (column) => column.primaryKey())
    .addColumn('position', 'bigint', (column) => column.notNull().unique())
    .addColumn('recorded_at', 'text', (column) => column.notNull())
    .addColumn('lane', 'text', (column) => column.notNull())
    .addColumn('topic', 'text')
    .addColumn('partition', 'integer')
    .addColumn('offset', 'bigint')
    .addColumn('code', 'text', (column) => column.notNull())
    .addColumn('message', 'text', (column) => column.notNull())
    .addColumn('size', 'bigint', (column) => column.notNull())
    .addColumn('identity', 'text')
    .addColumn('replayed_as', 'text')
    .execute();
}

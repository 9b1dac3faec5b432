import { sql, type CreateTableBuilder } from 'kysely';
import type { SqlDialect } from '@sijill/platform';

/** Keeps a table in the order of its primary key, where the dialect can: one tree to write to for each row, not two. */
export function clustered(dialect: SqlDialect) {
  return <Table extends string, Column extends string>(
    table: CreateTableBuilder<Table, Column>,
  ): CreateTableBuilder<Table, Column> => (dialect === 'sqlite' ? table.modifyEnd(sql`without rowid`) : table);
}

import { CompiledQuery, PostgresAdapter, sql, type Expression, type Kysely, type SqlBool } from 'kysely';
import type { ReadModelTables } from './tables.js';

// Rows go in runs of powers of two, so that few texts serve all batches. PostgreSQL takes 65,535 parameters in one statement and
// SQLite 32,766; the widest table has twelve columns.
const MOST_ROWS = 512;

const statements = new Map<string, string>();

/**
 * Inserts rows of one shape, many with one statement.
 *
 * Its text is written once for each table and number of rows. Built anew for every batch, through a query builder's tree of
 * values, the statement took most of the time of a projection.
 */
export async function insertRows<Table extends keyof ReadModelTables>(
  trx: Kysely<ReadModelTables>,
  table: Table,
  rows: readonly ReadModelTables[Table][],
): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0]!);
  for (let from = 0, size = 0; from < rows.length; from += size) {
    size = Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(rows.length - from)));
    const chunk = rows.slice(from, from + size) as unknown as readonly Record<string, unknown>[];
    const parameters: unknown[] = [];
    for (const row of chunk) for (const column of columns) parameters.push(row[column]);
    await trx.executeQuery(
      CompiledQuery.raw(insertStatement(table, columns, chunk.length, isPostgres(trx)), parameters),
    );
  }
}

function insertStatement(table: string, columns: readonly string[], count: number, numbered: boolean): string {
  const key = `${table} ${count} ${numbered}`;
  let statement = statements.get(key);
  if (statement === undefined) {
    const rows = Array.from({ length: count }, (_, row) => {
      const marks = columns.map((__, column) => (numbered ? `$${row * columns.length + column + 1}` : '?'));
      return `(${marks.join(',')})`;
    });
    statement = `insert into "${table}" (${columns.map((column) => `"${column}"`).join(',')}) values ${rows.join(',')}`;
    statements.set(key, statement);
  }
  return statement;
}

/** Whether a column holds one of many values, as one parameter however many there are. */
export function isAmong(db: Kysely<ReadModelTables>, column: string, values: readonly string[]): Expression<SqlBool> {
  return isPostgres(db)
    ? sql<SqlBool>`${sql.ref(column)} = any(${[...values]})`
    : sql<SqlBool>`${sql.ref(column)} in (select value from json_each(${JSON.stringify(values)}))`;
}

function isPostgres(db: Kysely<ReadModelTables>): boolean {
  return db.getExecutor().adapter instanceof PostgresAdapter;
}

import type { Statement } from 'better-sqlite3';
import { CompiledQuery, type Kysely } from 'kysely';
import type { Sql } from '@sijill/platform';
import { inPlace, LIVE, type Place } from './place.js';
import type { ReadModelTables } from './tables.js';
import type { Target } from './target.js';

type Row = Readonly<Record<string, unknown>>;
type Rows = readonly unknown[];

// Rows go to PostgreSQL in runs of powers of two, so that few texts serve all batches. It takes 65,535 parameters in one
// statement: at this many rows a table may have 127 columns.
const MOST_ROWS = 512;

/**
 * Inserts rows without a query builder between: its tree of values, built anew for every batch, took most of the time of a
 * projection. SQLite runs one prepared statement for each row, PostgreSQL takes many rows with one statement.
 */
export class RowWriter {
  private readonly texts = new Map<string, string>();
  private readonly statements = new Map<string, Statement<unknown[]>>();

  constructor(private readonly sql: Sql<ReadModelTables>) {}

  /** @param trx a transaction of the writer */
  into(trx: Kysely<ReadModelTables>, place: Place = LIVE): Target<ReadModelTables> {
    return {
      db: place === LIVE ? trx : trx.withPlugin(inPlace(place)),
      insert: async (table, rows) => void (await this.write(trx, `"${table}${place}"`, rows, '')),
      insertNew: (table, rows) => this.write(trx, `"${table}${place}"`, rows, ' on conflict do nothing'),
    };
  }

  private async write(trx: Kysely<ReadModelTables>, table: string, given: Rows, ending: string): Promise<number> {
    if (given.length === 0) return 0;
    const rows = given as readonly Row[];
    const columns = Object.keys(rows[0]!);
    return this.sql.connection === null
      ? this.writeRuns(trx, table, columns, rows, ending)
      : this.writeEach(table, columns, rows, ending);
  }

  private writeEach(table: string, columns: readonly string[], rows: readonly Row[], ending: string): number {
    const key = table + ending;
    let statement = this.statements.get(key);
    if (statement === undefined) {
      statement = this.sql.connection!.prepare(insertText(table, columns, `(${columns.map(() => '?')})`, ending));
      this.statements.set(key, statement);
    }
    let inserted = 0;
    for (const row of rows) inserted += statement.run(columns.map((column) => row[column])).changes;
    return inserted;
  }

  private async writeRuns(
    trx: Kysely<ReadModelTables>,
    table: string,
    columns: readonly string[],
    rows: readonly Row[],
    ending: string,
  ): Promise<number> {
    let inserted = 0;
    for (let from = 0, size = 0; from < rows.length; from += size) {
      size = Math.min(MOST_ROWS, 2 ** Math.floor(Math.log2(rows.length - from)));
      const parameters = rows.slice(from, from + size).flatMap((row) => columns.map((column) => row[column]));
      const { numAffectedRows } = await trx.executeQuery(
        CompiledQuery.raw(this.runText(table, columns, size, ending), parameters),
      );
      inserted += Number(numAffectedRows ?? 0);
    }
    return inserted;
  }

  private runText(table: string, columns: readonly string[], count: number, ending: string): string {
    const key = `${table} ${count}${ending}`;
    let text = this.texts.get(key);
    if (text === undefined) {
      const width = columns.length;
      const runs = Array.from({ length: count }, (_, row) => `(${columns.map((__, i) => `$${row * width + i + 1}`)})`);
      text = insertText(table, columns, runs.join(','), ending);
      this.texts.set(key, text);
    }
    return text;
  }
}

function insertText(table: string, columns: readonly string[], values: string, ending: string): string {
  return `insert into ${table} (${columns.map((column) => `"${column}"`)}) values ${values}${ending}`;
}

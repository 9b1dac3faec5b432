import { createHash } from 'node:crypto';
import { sql, type Kysely } from 'kysely';
import { canonicalJson } from '@sijill/transparency';
import { READ_MODEL_BY_NAME, type ReadModelName, type ReadModelTables } from './tables.js';

const PAGE = 2_000;

/**
 * SHA-256 over all rows of some read models in canonical form: the same for the same ledger, on either dialect.
 *
 * @param db the tables under their live names, wherever they are
 */
export async function digestOf(db: Kysely<ReadModelTables>, names: readonly ReadModelName[]): Promise<string> {
  const hash = createHash('sha256');
  for (const [table, key] of names.flatMap((name) => rowKeysOf(name))) {
    const order = sql.join(key.map((column) => sql.ref(column)));
    for (let last: Record<string, unknown> | undefined; ;) {
      const place =
        last === undefined ? sql`` : sql`where (${order}) > (${sql.join(key.map((column) => last![column]))})`;
      const { rows } = await sql<
        Record<string, unknown>
      >`select * from ${sql.table(table)} ${place} order by ${order} limit ${sql.lit(PAGE)}`.execute(db);
      for (const row of rows) hash.update(`${table} ${canonicalJson(row)}\n`);
      last = rows.at(-1);
      if (rows.length < PAGE) break;
    }
  }
  return hash.digest('hex');
}

function rowKeysOf(name: ReadModelName): [table: string, key: readonly string[]][] {
  return Object.entries(READ_MODEL_BY_NAME.get(name)!.tables as Record<string, readonly string[]>);
}

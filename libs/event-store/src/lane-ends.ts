import { sql, type Kysely, type Migration, type QueryExecutorProvider, type RawBuilder } from 'kysely';
import { bytewiseText, type SqlDialect } from '@sijill/platform';
import { LaneRevisions } from './lane-revisions.js';

type End = readonly [lane: string, revision: number];

/** The row that stands for no lane: the position from which on ends are kept; 0, from the first entry. */
const KEPT_SINCE = '';
/** Two parameters each, and SQLite takes 32,766. */
const LANES_AT_ONCE = 5_000;

/** How far somebody has read each lane, in a table of theirs that commits with what they made of it. */
export class LaneEnds {
  constructor(private readonly table: string) {}

  /** @param since the position up to which they had read before, without keeping this: an expression of their tables */
  migration(dialect: SqlDialect, since: RawBuilder<unknown>): Migration {
    return {
      up: async (db: Kysely<unknown>) => {
        await db.schema
          .createTable(this.table)
          .addColumn('lane', bytewiseText(dialect) as 'text', (column) => column.primaryKey())
          .addColumn('revision', 'bigint', (column) => column.notNull())
          .execute();
        await sql`insert into ${sql.table(this.table)} select ${KEPT_SINCE}, ${since}`.execute(db);
      },
    };
  }

  /** Nothing was read yet: all is to be read again. */
  async forget(db: QueryExecutorProvider): Promise<void> {
    await sql`delete from ${sql.table(this.table)}`.execute(db);
    await sql`insert into ${sql.table(this.table)} values (${KEPT_SINCE}, 0)`.execute(db);
  }

  /** To go on from where they are. @param lanes of these alone, where it is known which are met */
  async revisions(db: QueryExecutorProvider, lanes?: readonly string[]): Promise<LaneRevisions> {
    const some = lanes === undefined ? sql`` : sql` where lane in (${sql.join([KEPT_SINCE, ...lanes])})`;
    const query = sql<{ lane: string; revision: number }>`select lane, revision from ${sql.table(this.table)}${some}`;
    const { rows } = await query.execute(db);
    return new LaneRevisions(
      rows.map(({ lane, revision }): End => [lane, revision]),
      rows.some(({ lane, revision }) => lane === KEPT_SINCE && revision === 0),
    );
  }

  /** Takes ends for known: of each lane the further one holds. */
  async keep(db: QueryExecutorProvider, ends: Iterable<End>): Promise<void> {
    const values = [...ends].map(([lane, revision]) => sql`(${lane}, ${revision})`);
    const table = sql.table(this.table);
    for (let from = 0; from < values.length; from += LANES_AT_ONCE)
      await sql`insert into ${table} (lane, revision) values ${sql.join(values.slice(from, from + LANES_AT_ONCE))}
        on conflict (lane) do update set revision = excluded.revision where ${table}.revision < excluded.revision`.execute(
        db,
      );
  }
}

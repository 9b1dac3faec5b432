import Sqlite from 'better-sqlite3';
import { pass, type Pass } from './measure.js';
import { inBatches } from './sample-events.js';

type Row = Record<string, unknown>;

export interface BareRun {
  readonly batch: number;
  /** Whether the table has its triggers, which refuse changes. */
  readonly guarded?: boolean;
  readonly atMostMs?: number;
}

/** The finished rows of a ledger, to be inserted again with nothing around it. */
export class FinishedRows {
  private constructor(
    private readonly schema: readonly { type: string; sql: string }[],
    private readonly streams: readonly Row[],
    private readonly entries: readonly Row[],
  ) {}

  /** @param file the event store of a ledger that is closed */
  static of(file: string): FinishedRows {
    const source = new Sqlite(file, { readonly: true });
    const schema = source.prepare(
      "select type, sql from sqlite_master where tbl_name in ('entry', 'stream') and sql is not null order by type = 'trigger'",
    );
    const rows = new FinishedRows(
      schema.all() as { type: string; sql: string }[],
      source.prepare('select * from stream').all() as Row[],
      source.prepare('select * from entry order by position').all() as Row[],
    );
    source.close();
    return rows;
  }

  /** Inserts the rows into the same table in a new file at the same durability, so many a transaction. */
  async insert(file: string, { batch, guarded = true, atMostMs = Infinity }: BareRun): Promise<Pass> {
    const target = new Sqlite(file);
    target.pragma('journal_mode = WAL');
    target.pragma('synchronous = FULL');
    target.pragma('foreign_keys = OFF');
    for (const { type, sql } of this.schema) if (guarded || type !== 'trigger') target.exec(sql);
    const insertInto = (table: string, names: readonly string[]): Sqlite.Statement =>
      target.prepare(
        `insert into ${table} (${names.join(', ')}) values (${names.map((column) => `@${column}`).join(', ')})`,
      );
    for (const stream of this.streams) insertInto('stream', Object.keys(stream)).run(stream);
    const insert = insertInto('entry', Object.keys(this.entries[0]!));
    const insertAll = target.transaction((rows: readonly Row[]) => {
      for (const row of rows) insert.run(row);
      return rows.length;
    });
    const calls = [...inBatches(this.entries, batch)].map((rows) => () => insertAll(rows));
    const timed = await pass(calls, { atMostMs });
    target.close();
    return timed;
  }
}

import { randomUUID } from 'node:crypto';
import { sql, type Kysely, type Migration, type QueryExecutorProvider } from 'kysely';
import { DatabaseUnavailable, retryWhileBusy, type Sql } from './sql.js';

/** An entry of the store by where it stands and the hash of its leaf, in hex. */
export interface Mark {
  readonly position: number;
  readonly leafHash: string;
}

/** What a database knows of the ledger that it is a part of. */
export interface PartState {
  /** Tells this database from another of the same kind: random, made with it. */
  readonly id: string;
  /** Null until the ledger is founded. */
  readonly ledgerId: string | null;
  /** The last entry of the store that this part knows of; null before the first. */
  readonly mark: Mark | null;
  /** The highest number of a change of the vault that the entries name which this part knows of. */
  readonly vaultSequence: number;
}

/** A database, whatever its tables. */
type AnySql = Pick<Sql<never>, 'assertInPlace'> & { readonly [Name in 'reader' | 'writer']: QueryExecutorProvider };

interface Row {
  readonly id: string;
  readonly ledger_id: string | null;
  readonly position: number;
  readonly leaf_hash: string;
  readonly vault_sequence: number;
}

/**
 * A part of a ledger is another's: of another ledger, or a second one beside the one that the ledger was founded with. Waiting does not
 * mend it; the message says what to change.
 */
export class PartOfAnother extends Error {
  override readonly name = 'PartOfAnother';
}

/** A part of a ledger is older than the ledger, or was emptied: a copy of another time was put back. Nothing goes on until the right one is. */
export class PartBehind extends DatabaseUnavailable {
  override readonly name = 'PartBehind';
}

/**
 * Whose a database is: one row of its own, in a table named after the part. Vault, database, log and read models have one each, so that
 * none of them can be exchanged for another's, or for an older one, without anybody noticing.
 */
export class LedgerPart {
  /** @param what in words, for messages: `the vault` */
  constructor(
    private readonly database: AnySql,
    private readonly name: string,
    readonly what: string,
  ) {}

  /** The part's table, for the list of migrations of its database. */
  static migration(name: string): Migration {
    return {
      up: async (db: Kysely<unknown>) => {
        await db.schema
          .createTable(tableOf(name))
          .ifNotExists()
          .addColumn('one', 'integer', (column) => column.primaryKey())
          .addColumn('id', 'text', (column) => column.notNull())
          .addColumn('ledger_id', 'text')
          .addColumn('position', 'bigint', (column) => column.notNull())
          .addColumn('leaf_hash', 'text', (column) => column.notNull())
          .addColumn('vault_sequence', 'bigint', (column) => column.notNull())
          .execute();
        const row = sql`values (1, ${randomUUID()}, null, 0, '', 0)`;
        await sql`insert into ${sql.table(tableOf(name))} ${row} on conflict do nothing`.execute(db);
      },
    };
  }

  /** @throws PartBehind the database was emptied @throws FileReplaced */
  async state(db: QueryExecutorProvider = this.database.reader): Promise<PartState> {
    this.database.assertInPlace();
    const row = await this.row(db);
    if (row === undefined) throw new PartBehind(`${this.what} was emptied; put it back from its newest backup`);
    const { id, ledger_id: ledgerId, position, leaf_hash: leafHash, vault_sequence: vaultSequence } = row;
    return { id, ledgerId, mark: position === 0 ? null : { position, leafHash }, vaultSequence };
  }

  /** Makes it a part of a ledger, if it is none's yet. */
  async belongTo(ledgerId: string): Promise<void> {
    await retryWhileBusy(() =>
      sql`update ${this.table} set ledger_id = ${ledgerId} where ledger_id is null`.execute(this.database.writer),
    );
  }

  /**
   * Notes the last entry that this part knows of, and how far the vault was by then. Neither goes back.
   *
   * @param db a transaction that it belongs to
   */
  async note(
    { position, leafHash }: Mark,
    vaultSequence = 0,
    db: QueryExecutorProvider = this.database.writer,
  ): Promise<void> {
    const highest = sql`case when vault_sequence < ${vaultSequence} then ${vaultSequence} else vault_sequence end`;
    const noted = sql`update ${this.table} set position = ${position}, leaf_hash = ${leafHash}, vault_sequence = ${highest}
      where position < ${position}`;
    await retryWhileBusy(() => noted.execute(db));
  }

  /**
   * It knows of no entry: a copy that comes with an older copy of the store, and what knows of entries that are lost.
   *
   * @param db a transaction that it belongs to
   */
  async forget(db: QueryExecutorProvider = this.database.writer): Promise<void> {
    await retryWhileBusy(() => sql`update ${this.table} set position = 0, leaf_hash = ''`.execute(db));
  }

  private get table() {
    return sql.table(tableOf(this.name));
  }

  private async row(db: QueryExecutorProvider): Promise<Row | undefined> {
    try {
      const { rows } =
        await sql<Row>`select id, ledger_id, position, leaf_hash, vault_sequence from ${this.table}`.execute(db);
      return rows[0];
    } catch (error) {
      // Opened, it had its tables.
      if (areTablesGone(error)) return undefined;
      throw error;
    }
  }
}

/** Whether tables that were there are not any more: a database was emptied, or another one is in its place. */
export function areTablesGone(error: unknown): boolean {
  return /no such table|relation .* does not exist/.test(String((error as Error | null)?.message));
}

function tableOf(name: string): string {
  return `${name}_ledger`;
}

import type { Kysely, Transaction } from 'kysely';
import type { NewEntry, OutboxRow, OutboxSource } from '@sijill/event-store';
import {
  LedgerPart,
  openSql,
  PartBehind,
  retryWhileBusy,
  type Clock,
  type Sql,
  type SqlTarget,
} from '@sijill/platform';
import { ACCESS, accessMigrations, type AccessTables } from './tables.js';

/** One change under way, under the one lock. */
export interface AccessChange {
  readonly trx: Transaction<AccessTables>;
  /** Puts an entry that tells of the change behind all earlier ones. It is decided with the change, or not at all. */
  tell(entry: NewEntry): void;
}

/**
 * The database of keys and producers, and the outbox of the entries that tell of its changes.
 *
 * A change takes the lock with its first statement, an update, the same on both dialects: what it reads afterwards stays true
 * until it commits, and numbers of the outbox are committed in their order.
 */
export class AccessSql implements OutboxSource {
  /** Whose it is. */
  readonly part: LedgerPart;

  private constructor(
    readonly sql: Sql<AccessTables>,
    private readonly clock: Clock,
  ) {
    this.part = new LedgerPart(sql, ACCESS, 'the database of keys and producers');
  }

  /** @throws DatabaseUnavailable */
  static async open(target: SqlTarget, clock: Clock): Promise<AccessSql> {
    const sql = await openSql<AccessTables>(target, {
      name: 'access',
      durability: 'full',
      migrations: accessMigrations,
    });
    try {
      await retryWhileBusy(() =>
        sql.writer
          .insertInto('access_outbox_end')
          .values([
            { name: 'last', number: 0 },
            { name: 'done', number: 0 },
          ])
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      );
      return new AccessSql(sql, clock);
    } catch (error) {
      await sql.close();
      throw error;
    }
  }

  /** Changes keys and producers, all of it or nothing. The work may be run again: it must change nothing but the database. */
  async change<T>(work: (change: AccessChange) => Promise<T>): Promise<T> {
    return retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        await takeLock(trx);
        const told: NewEntry[] = [];
        const result = await work({ trx, tell: (entry) => void told.push(entry) });
        if (told.length > 0) await this.put(trx, told);
        return result;
      }),
    );
  }

  /** The outbox: entries behind a number, in order. */
  async pending(after: number, limit: number): Promise<OutboxRow[]> {
    const rows = await this.sql.reader
      .selectFrom('access_outbox')
      .selectAll()
      .where('number', '>', after)
      .orderBy('number')
      .limit(limit)
      .execute();
    return rows.map(({ number, entry }) => ({ number, entry: JSON.parse(entry) as NewEntry }));
  }

  /** The outbox: everything up to a number stands in the ledger. @throws PartBehind see `assertReached` */
  done(upTo: number): Promise<void> {
    return this.assertReached(upTo);
  }

  /**
   * That what stands in the ledger was decided here.
   *
   * @param number of the last change that stands there
   * @throws PartBehind no such number was ever given: in an older copy, keys that were revoked since would work again
   */
  async assertReached(number: number): Promise<void> {
    const { reader } = this.sql;
    if (number > (await endOf(reader, 'done')) && !(await wasGiven(reader, number))) throw new PartBehind(OLDER);
  }

  /** The number of the last change. */
  last(): Promise<number> {
    return endOf(this.sql.reader, 'last');
  }

  /** What stands in the ledger up to a number, and was decided by a database that is lost, is taken for decided here. */
  async goOnBehind(number: number): Promise<void> {
    await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        await takeLock(trx);
        for (const name of ['last', 'done'] as const)
          if ((await endOf(trx, name)) < number) await setEnd(trx, name, number);
      }),
    );
  }

  /** The highest epoch of the vault that was noted here; 0 before the first. */
  async vaultEpoch(): Promise<number> {
    return (await this.sql.reader.selectFrom('access_vault').select('epoch').executeTakeFirst())?.epoch ?? 0;
  }

  /** Notes how far the vault's epoch is. It does not go back. */
  async noteVaultEpoch(epoch: number): Promise<void> {
    if (epoch <= (await this.vaultEpoch())) return;
    await retryWhileBusy(() =>
      this.sql.writer.updateTable('access_vault').set({ epoch }).where('epoch', '<', epoch).execute(),
    );
  }

  /** For a copy that may come with an older copy of the vault: it knows of no epoch. */
  async forgetVaultEpoch(): Promise<void> {
    await retryWhileBusy(() => this.sql.writer.updateTable('access_vault').set({ epoch: 0 }).execute());
  }

  async close(): Promise<void> {
    await this.sql.close();
  }

  // A number is never lower than the time: a database that was lost, or is an older backup put back, goes on above what the lane
  // of its entries has seen, else its next entries would be taken for old ones and never be written.
  private async put(trx: Transaction<AccessTables>, told: readonly NewEntry[]): Promise<void> {
    const last = await endOf(trx, 'last');
    const first = Math.max(last + 1, this.clock.now());
    const rows = told.map((entry, index) => ({ number: first + index, entry: JSON.stringify(entry) }));
    await trx.insertInto('access_outbox').values(rows).execute();
    await setEnd(trx, 'last', first + told.length - 1);
  }
}

const OLDER =
  'the database of keys and producers is an older copy: changes of them stand in the ledger that it knows nothing of, as that a key was ' +
  'revoked. Put the newest one back; nothing is taken in until then';

type End = AccessTables['access_outbox_end'];

async function takeLock(trx: Transaction<AccessTables>): Promise<void> {
  await trx
    .updateTable('access_outbox_end')
    .set(({ ref }) => ({ number: ref('number') }))
    .where('name', '=', 'last')
    .execute();
}

async function endOf(db: Kysely<AccessTables>, name: End['name']): Promise<number> {
  const row = db.selectFrom('access_outbox_end').select('number').where('name', '=', name);
  return (await row.executeTakeFirstOrThrow()).number;
}

async function wasGiven(db: Kysely<AccessTables>, number: number): Promise<boolean> {
  const row = db.selectFrom('access_outbox').select('number').where('number', '=', number);
  return (await row.executeTakeFirst()) !== undefined;
}

async function setEnd(trx: Transaction<AccessTables>, name: End['name'], number: number): Promise<void> {
  await trx.updateTable('access_outbox_end').set({ number }).where('name', '=', name).execute();
}

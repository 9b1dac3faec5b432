import type { Kysely, Transaction } from 'kysely';
import { areTablesUnknown, openSql, retryWhileBusy, type Sql, type SqlTarget } from '@sijill/platform';
import { KeyringUnusable, rereadIfThere, type Keyring } from './keyring.js';
import { vaultMigrations, type VaultTables } from './tables.js';

export type VaultDb = Kysely<VaultTables>;
export type VaultTransaction = Transaction<VaultTables>;

/** What the vault is at one moment. */
export interface VaultState {
  /** The number of its last change: who is who is decided in their order. */
  readonly sequence: number;
  /** Rises when something that another process may remember holds no more: a release, a separation, a destroyed key. */
  readonly epoch: number;
  /** The wrapping key that was added last. */
  readonly wrapping: string;
}

/** One change under way, under the one lock. It may run again from its beginning when it was kept out. */
export interface VaultChange {
  readonly trx: VaultTransaction;
  /** As this change found the vault; nobody else changes it meanwhile. */
  readonly before: VaultState;
  /**
   * Takes the next number of the vault's changes, another one each time: first `before.sequence + 1`. The last one taken is the
   * vault's sequence from the commit on; a change that takes none leaves the sequence as it was.
   */
  take(): number;
  /** From the commit on, every process forgets what it remembers. */
  raiseEpoch(): void;
}

const META = ['lock', 'sequence', 'epoch', 'keyring', 'ledger', 'wrapping'] as const;

/**
 * The vault's database: its one lock, and the numbers by which processes that share it know how old what they remember is.
 *
 * A change first takes the lock with an update, the same on both dialects, so that whatever it reads afterwards stays true until it
 * commits.
 */
export class VaultSql {
  private known: VaultState = { sequence: -1, epoch: -1, wrapping: '' };
  private readonly forgetting: (() => void)[] = [];

  private constructor(
    readonly sql: Sql<VaultTables>,
    private readonly keyring: Keyring,
  ) {}

  /**
   * @throws KeyringUnusable the vault was made with another keyring, or has a key since that this one lacks
   * @throws DatabaseUnavailable
   */
  static async open(target: SqlTarget, keyring: Keyring): Promise<VaultSql> {
    const sql = await openVaultSql(target);
    try {
      const values = {
        ...{ lock: '', sequence: '0', epoch: '0' },
        keyring: keyring.fingerprint,
        ledger: keyring.ledgerId,
        wrapping: keyring.wrapping.current,
      };
      await retryWhileBusy(() =>
        sql.writer
          .insertInto('vault_meta')
          .values(META.map((name) => ({ name, value: values[name] })))
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      );
      const rows = await sql.writer.selectFrom('vault_meta').selectAll().execute();
      const of = (name: (typeof META)[number]): string => rows.find((row) => row.name === name)!.value;
      if (of('keyring') !== keyring.fingerprint)
        throw new KeyringUnusable(
          'this keyring is not the one that the vault was made with; nothing sealed would open. Put the right one back',
        );
      if (!keyring.wrapping.keys.has(of('wrapping')))
        throw new KeyringUnusable(
          `this keyring is older than the vault: it lacks the wrapping key ${of('wrapping')}. Put the newest one back`,
        );
      return new VaultSql(sql, keyring);
    } catch (error) {
      await sql.close();
      throw error;
    }
  }

  /**
   * Adds a wrapping key to the keyring and notes it here, under the lock: whoever looks next takes it up.
   *
   * @returns its id
   * @throws KeyringUnusable the keyring cannot be written
   */
  addWrappingKey(): Promise<string> {
    return this.change(async ({ trx }) => {
      const id = this.keyring.addWrappingKey();
      await trx.updateTable('vault_meta').set({ value: id }).where('name', '=', 'wrapping').execute();
      return id;
    });
  }

  /** Runs when the epoch has risen since the last look: whoever remembers anything forgets it. */
  onEpoch(forget: () => void): void {
    this.forgetting.push(forget);
  }

  /**
   * The epoch of the last look. Whoever reads something in order to remember it takes this before the read, and remembers it only if it is
   * still the same behind it: else it may have been destroyed and forgotten in between.
   */
  get epoch(): number {
    return this.known.epoch;
  }

  /** What the vault is now: one small read. What is remembered here was true at that moment, or is forgotten. */
  async look(): Promise<VaultState> {
    return this.note(await stateOf(this.sql.reader));
  }

  /** Changes the vault, all of it or nothing. The work may be run again: it must change nothing but the database. */
  async change<T>(work: (change: VaultChange) => Promise<T>): Promise<T> {
    const { result, state } = await retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        await trx.updateTable('vault_meta').set({ value: '' }).where('name', '=', 'lock').execute();
        const before = await stateOf(trx);
        const after = { ...before };
        const done = await work({
          trx,
          before,
          take: () => (after.sequence += 1),
          raiseEpoch: () => (after.epoch = before.epoch + 1),
        });
        for (const name of ['sequence', 'epoch'] as const)
          if (after[name] !== before[name])
            await trx
              .updateTable('vault_meta')
              .set({ value: String(after[name]) })
              .where('name', '=', name)
              .execute();
        return { result: done, state: after };
      }),
    );
    this.note(state);
    return result;
  }

  async close(): Promise<void> {
    await this.sql.close();
  }

  private note(state: VaultState): VaultState {
    if (state.epoch !== this.known.epoch && this.known.epoch !== -1) for (const forget of this.forgetting) forget();
    if (!this.keyring.wrapping.keys.has(state.wrapping)) rereadIfThere(this.keyring);
    this.known = state;
    return state;
  }
}

async function openVaultSql(target: SqlTarget): Promise<Sql<VaultTables>> {
  try {
    return await openSql<VaultTables>(target, {
      name: 'vault',
      durability: 'full',
      migrations: vaultMigrations,
      secureDelete: true,
    });
  } catch (error) {
    if (areTablesUnknown(error))
      throw new KeyringUnusable(
        'this vault is one of the first edition, which this release does not read; start a new ledger in an empty folder or database',
        { cause: error },
      );
    throw error;
  }
}

/** Whether a vault was ever opened here, that is: whether something may have been sealed with its keyring. */
export async function vaultExists(target: SqlTarget): Promise<boolean> {
  const sql = await openVaultSql(target);
  try {
    const row = await sql.reader
      .selectFrom('vault_meta')
      .select('name')
      .where('name', '=', 'keyring')
      .executeTakeFirst();
    return row !== undefined;
  } finally {
    await sql.close();
  }
}

async function stateOf(db: VaultDb): Promise<VaultState> {
  const rows = await db
    .selectFrom('vault_meta')
    .select(['name', 'value'])
    .where('name', 'in', ['sequence', 'epoch', 'wrapping'])
    .execute();
  const of = (name: keyof VaultState): string => rows.find((row) => row.name === name)!.value;
  return { sequence: Number(of('sequence')), epoch: Number(of('epoch')), wrapping: of('wrapping') };
}

import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { sql, type Kysely, type Transaction } from 'kysely';
import {
  areTablesGone,
  areTablesUnknown,
  LedgerPart,
  openSql,
  PartBehind,
  PartOfAnother,
  retryWhileBusy,
  type Sql,
  type SqlTarget,
} from '@sijill/platform';
import { KeyringUnusable } from './keyring-places/index.js';
import { behindLacking, rereadIfThere, type Keyring } from './keyring.js';
import { VAULT, vaultMigrations, type VaultTables } from './tables.js';

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
  /**
   * The keys of the blind index, with commas between: the one under which identifiers are bound, and behind it those under which some still
   * stand. See `reindex`.
   */
  readonly index: string;
  /** The tag key of which new quarters are made. */
  readonly tags: string;
  /** The keys by which the ledger has ever known its own entries, with commas between; none is taken out. */
  readonly authenticators: string;
  /** The oldest quarter that has a key for its tags, or may get one; empty before any was destroyed. Never goes back. */
  readonly tagsFrom: string;
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
  /** Keys are destroyed by it: every process forgets them, and their bytes go from SQLite's files, see `wipe`. */
  destroys(): void;
  /** Brings the vault to another key, or to another oldest quarter. */
  bringTo(state: Partial<Omit<VaultState, 'sequence' | 'epoch'>>): void;
}

const STATE = [
  'sequence',
  'epoch',
  'wrapping',
  'index',
  'tags',
  'authenticators',
  'tagsFrom',
] as const satisfies (keyof VaultState)[];

/**
 * The vault's database: its one lock, and the numbers by which processes that share it know how old what they remember is.
 *
 * A change first takes the lock with an update, the same on both dialects, so that whatever it reads afterwards stays true until it
 * commits.
 */
export class VaultSql {
  /** Whose it is. */
  readonly part: LedgerPart;
  private known: VaultState | null = null;
  /** What the vault has come to, by all that this process has seen of it and of the ledger. It never goes back. */
  private reached = { sequence: 0, epoch: 0 };
  private wiped = true;
  private readonly forgetting: (() => void)[] = [];

  private constructor(
    readonly sql: Sql<VaultTables>,
    private readonly keyring: Keyring,
  ) {
    this.part = new LedgerPart(sql, VAULT, 'the vault');
  }

  /**
   * @param mayBeNew whether one is made where there is none
   * @throws VaultLost there is none
   * @throws KeyringUnusable the vault was made with another keyring, or needs a key that this one lacks
   * @throws DatabaseUnavailable
   */
  static async open(target: SqlTarget, keyring: Keyring, { mayBeNew } = { mayBeNew: true }): Promise<VaultSql> {
    if (!mayBeNew && isNoFile(target)) throw new VaultLost(target);
    const sql = await openVaultSql(target);
    try {
      if (!mayBeNew && !(await wasOpened(sql))) throw new VaultLost(target);
      const values: VaultTables['vault_meta'][] = Object.entries({
        ...{ lock: '', sequence: '0', epoch: '0', tagsFrom: '' },
        keyring: keyring.fingerprint,
        ledger: keyring.ledgerId,
        ...{ wrapping: keyring.wrapping.current, index: keyring.index.current, tags: keyring.tags.current },
        authenticators: [...keyring.authenticator.keys.keys()].join(','),
      }).map(([name, value]) => ({ name, value }));
      await retryWhileBusy(() =>
        sql.writer
          .insertInto('vault_meta')
          .values(values)
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      );
      const { value: made } = await sql.writer
        .selectFrom('vault_meta')
        .select('value')
        .where('name', '=', 'keyring')
        .executeTakeFirstOrThrow();
      if (made !== keyring.fingerprint)
        throw new KeyringUnusable(
          'this keyring is not the one that the vault was made with; nothing sealed would open. Put the right one back',
        );
      const vault = new VaultSql(sql, keyring);
      await vault.refuseOldKeyring();
      return vault;
    } catch (error) {
      await sql.close();
      throw error;
    }
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
    return this.known?.epoch ?? -1;
  }

  /**
   * What the vault is now: one small read. What is remembered here was true at that moment, or is forgotten.
   *
   * @throws PartBehind | PartOfAnother it is not the vault any more that it was, but an older copy, or another's
   */
  look(): Promise<VaultState> {
    return this.stateIn(this.sql.reader);
  }

  /**
   * That the vault has come as far as the ledger says: no entry is written before what it needs is in the vault.
   *
   * @param sequence the number of a change that an entry names
   * @param epoch that was seen before; a key can be destroyed without a change of that number
   * @throws PartBehind it has not: from then on nothing here answers but with that
   */
  async assertReached(sequence: number, epoch = 0): Promise<void> {
    const { reached } = this;
    if (sequence <= reached.sequence && epoch <= reached.epoch) return;
    this.reached = { sequence: Math.max(sequence, reached.sequence), epoch: Math.max(epoch, reached.epoch) };
    await this.look();
  }

  /**
   * Changes the vault, all of it or nothing. The work may be run again: it must change nothing but the database.
   *
   * @throws KeyringUnusable the vault was brought to a key that this process cannot read: what it wrote, others could not find or open
   */
  async change<T>(work: (change: VaultChange) => Promise<T>): Promise<T> {
    const { result, state, destroyed } = await retryWhileBusy(() =>
      whileKeysGo(() => this.sql.writer.transaction().execute((trx) => this.changeIn(trx, work))),
    );
    await this.takeIn(state);
    if (destroyed) await this.wipe();
    return result;
  }

  private async changeIn<T>(
    trx: VaultTransaction,
    work: (change: VaultChange) => Promise<T>,
  ): Promise<{ readonly result: T; readonly state: VaultState; readonly destroyed: boolean }> {
    const set = (name: string, value: unknown): Promise<unknown> =>
      trx
        .updateTable('vault_meta')
        .set({ value: value as string })
        .where('name', '=', name)
        .execute();
    await set('lock', '');
    // What is remembered is older than the lock: what was destroyed since must not be sealed for.
    const before = await this.stateIn(trx);
    this.refuseWithout(before);
    const after = { ...before };
    let [raised, destroyed] = [false, false];
    const result = await work({
      trx,
      before,
      take: () => (after.sequence += 1),
      raiseEpoch: () => (raised = true),
      destroys: () => (raised = destroyed = true),
      bringTo: (state) => void Object.assign(after, state),
    });
    for (const name of STATE) if (after[name] !== before[name]) await set(name, String(after[name]));
    // By one from where it stands: whoever destroys keys without the lock raises it too.
    if (raised) await set('epoch', sql`cast(cast(value as bigint) + 1 as text)`);
    // Not taken in before it is committed.
    return { result, state: raised ? (await stateOf(trx)).state : after, destroyed };
  }

  private async stateIn(db: VaultDb): Promise<VaultState> {
    this.sql.assertInPlace();
    // Others may bring it further, and this process see that, before this answer is read.
    const reached = this.reached;
    const { ledger, state } = await stateOf(db).catch((error: unknown) => {
      throw areTablesGone(error) ? new PartBehind(EMPTIED, { cause: error }) : error;
    });
    if (ledger !== this.keyring.ledgerId) throw new PartOfAnother(ofAnother(ledger, this.keyring.ledgerId));
    if (!(state.sequence >= reached.sequence && state.epoch >= reached.epoch))
      throw new PartBehind(
        `the vault is an older copy: it stands at change ${state.sequence} (epoch ${state.epoch}), and this ledger has seen change ` +
          `${reached.sequence} (epoch ${reached.epoch}). Put the newest one back; nothing is taken in until then`,
      );
    return this.takeIn(state);
  }

  /**
   * Moves SQLite's write-ahead log into the file and empties it: what was destroyed before is in neither. In PostgreSQL it is not ours to
   * do: dead rows stay until a vacuum, and the log as long as it is kept.
   *
   * Somebody's long look can keep it from that: then `isWiped` says so, and it is to be called again.
   */
  async wipe(): Promise<void> {
    if (this.sql.dialect !== 'sqlite') return;
    this.wiped = false;
    for (const until = Date.now() + WIPING_MS; !this.wiped && Date.now() < until; await pause(20)) {
      const { rows } = await sql<{ busy: number }>`pragma wal_checkpoint(truncate)`.execute(this.sql.writer);
      this.wiped = rows[0]!.busy === 0;
    }
  }

  /** Whether the bytes of what this process has destroyed are gone from SQLite's files. */
  get isWiped(): boolean {
    return this.wiped;
  }

  /** @throws KeyringUnusable the vault was brought to a key that this process lacks */
  async refuseOldKeyring(): Promise<void> {
    this.refuseWithout(await this.look());
  }

  async close(): Promise<void> {
    await this.sql.close();
  }

  /** @throws KeyringUnusable one of these keys is on the ledger's list of its authenticators, and this process lacks it */
  async refuseWithoutAuthenticators(keyIds: readonly string[]): Promise<void> {
    const { authenticators } = await this.look();
    const listed = authenticators.split(',');
    const missing = keyIds.find((id) => listed.includes(id) && !this.keyring.authenticator.keys.has(id));
    if (missing !== undefined) throw olderThanVault(this.keyring, `authenticator key ${missing}`);
  }

  private async takeIn(state: VaultState): Promise<VaultState> {
    if (this.known !== null && state.epoch !== this.known.epoch) for (const forget of this.forgetting) forget();
    this.known = state;
    this.reached = {
      sequence: Math.max(this.reached.sequence, state.sequence),
      epoch: Math.max(this.reached.epoch, state.epoch),
    };
    if (missingKeys(state, this.keyring).length > 0) await rereadIfThere(this.keyring);
    return state;
  }

  private refuseWithout(state: VaultState): void {
    const [missing] = missingKeys(state, this.keyring);
    if (missing !== undefined) throw olderThanVault(this.keyring, missing);
  }
}

function olderThanVault(keyring: Keyring, missing: string): KeyringUnusable {
  const cure = '. Put the newest one back; or, for an old copy of the vault, one of its time';
  return new KeyringUnusable(
    `this keyring is older than the vault: it lacks the ${missing}${behindLacking(keyring, cure)}`,
  );
}

const WIPING_MS = 2_000;

/** In words, the keys that the vault was brought to and a keyring lacks. */
function missingKeys(state: VaultState, { wrapping, index, tags, authenticator }: Keyring): string[] {
  return [
    ...(wrapping.keys.has(state.wrapping) ? [] : [`wrapping key ${state.wrapping}`]),
    ...state.index
      .split(',')
      .filter((id) => !index.keys.has(id))
      .map((id) => `index key ${id}`),
    ...(tags.keys.has(state.tags) ? [] : [`tag key ${state.tags}`]),
    ...state.authenticators
      .split(',')
      .filter((id) => !authenticator.keys.has(id))
      .map((id) => `authenticator key ${id}`),
  ];
}

/** A change has met a subject whose key was destroyed while it was under way. */
export class KeyGone extends Error {
  override readonly name = 'KeyGone';
}

/** A foreign key that leads to nothing any more, or two who wait for each other. */
const KEY_IS_GONE = ['23503', '40P01'];
const ATTEMPTS = 5;

/** PostgreSQL lets somebody destroy a key without the lock, while a change binds an identifier to its subject: that is decided again. */
async function whileKeysGo<T>(work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      const isGone = error instanceof KeyGone || KEY_IS_GONE.includes(String((error as { code?: unknown }).code));
      if (!isGone || attempt === ATTEMPTS) throw error;
    }
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

/** The vault of a ledger is not where it should be. The message says where it was looked for, and what to do. */
export class VaultLost extends Error {
  override readonly name = 'VaultLost';

  constructor(target: SqlTarget) {
    const where = target.kind === 'sqlite' ? `at ${target.file}` : 'in the database that was set for it';
    super(
      `there is no vault ${where}: it was lost, or the ledger's lies elsewhere. Put it back from its backup, or set SIJILL_DATA_DIR, ` +
        'SIJILL_VAULT_DATABASE or SIJILL_DATABASE to where it lies. No new one is made: nobody would be known in it, and nothing ' +
        'that was sealed could ever be opened',
    );
  }
}

/** Whether a vault was ever opened here, that is: whether something may have been sealed with its keyring. Makes none. */
export async function vaultExists(target: SqlTarget): Promise<boolean> {
  if (isNoFile(target)) return false;
  const sql = await openVaultSql(target);
  try {
    return await wasOpened(sql);
  } finally {
    await sql.close();
  }
}

function isNoFile(target: SqlTarget): boolean {
  return target.kind === 'sqlite' && !existsSync(target.file);
}

async function wasOpened(sql: Sql<VaultTables>): Promise<boolean> {
  const row = await sql.reader.selectFrom('vault_meta').select('name').where('name', '=', 'keyring').executeTakeFirst();
  return row !== undefined;
}

/** @throws VaultLost there is none */
export async function assertVaultExists(target: SqlTarget): Promise<void> {
  if (!(await vaultExists(target))) throw new VaultLost(target);
}

const EMPTIED = 'the vault was emptied; put it back from its newest backup';

function ofAnother(ledger: string | undefined, own: string): string {
  return ledger === undefined
    ? EMPTIED
    : `the vault is that of the ledger ${ledger}, and this keyring is of the ledger ${own}; put the right one back`;
}

async function stateOf(db: VaultDb): Promise<{ readonly ledger: string | undefined; readonly state: VaultState }> {
  const rows = await db
    .selectFrom('vault_meta')
    .selectAll()
    .where('name', 'in', [...STATE, 'ledger'])
    .execute();
  const { ledger, sequence, epoch, ...keys } = Object.fromEntries(
    rows.map(({ name, value }) => [name, value]),
  ) as Record<(typeof STATE)[number] | 'ledger', string>;
  return { ledger, state: { ...keys, sequence: Number(sequence), epoch: Number(epoch) } };
}

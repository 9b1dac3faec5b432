import { randomBytes, randomUUID } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { hmacOf, isAmong, isoTime, type Clock, type Hmac } from '@sijill/platform';
import { KeyringUnusable } from './keyring-places/index.js';
import { behindLacking, rereadIfThere, type Keyring } from './keyring.js';
import { openWith, openingOf, seal, secretOf, type Secret } from './seal.js';
import type { VaultTables } from './tables.js';
import type { VaultDb, VaultSql, VaultTransaction } from './vault-sql.js';
import { unwrap, wrap } from './wrap.js';

/** The subject's root is gone: nothing can be sealed for it or opened. */
export class SubjectErased extends Error {
  override readonly name = 'SubjectErased';
  constructor(readonly subjectId: string) {
    super(`the keys of subject ${subjectId} were destroyed`);
  }
}

/** What a subject's secret is for: what is sealed under it has one fate. */
export interface Scope {
  /** The duties to keep that cover what is sealed; `default` where none does. */
  readonly retentionClass: string;
  /** The id of the customer for whom it was done; null where the platform acts for itself. */
  readonly controller: string | null;
  /** The year in which it is recorded. */
  readonly year: number;
}

/** Nothing but the ledger's own retention rules over it. */
export function defaultScope(now: number): Scope {
  return { retentionClass: 'default', controller: null, year: yearOf(now) };
}

/** The year of a time in milliseconds, in UTC. */
export function yearOf(time: number): number {
  return new Date(time).getUTCFullYear();
}

/** The secrets of one subject: all follow from one stored root, so that a subject that is known costs no write. */
export class SubjectSecrets {
  private readonly derive: Hmac;
  private readonly byScope = new Map<string, Secret>();

  constructor(
    readonly subjectId: string,
    private readonly generation: number,
    root: Buffer,
  ) {
    this.derive = hmacOf('sha512', root);
  }

  of({ retentionClass, controller, year }: Scope): Secret {
    // A customer's id may name a person: what stands for it in the clear is known to nobody without this subject's root.
    const whose =
      controller === null ? 'self' : `c${this.derive(`controller\n${controller}`, 'base64url').slice(0, 11)}`;
    return this.secret(`${retentionClass}/${whose}/${year}`);
  }

  /** Of the identifiers in the directory. */
  get directory(): Secret {
    return this.secret('directory');
  }

  /** The secret of a key id; null when it is of another root of this subject. */
  byId(keyId: string): Secret | null {
    const prefix = `subject/${this.subjectId}/${this.generation}/`;
    return keyId.startsWith(prefix) ? this.secret(keyId.slice(prefix.length)) : null;
  }

  private secret(scope: string): Secret {
    let secret = this.byScope.get(scope);
    if (secret === undefined) {
      const keyId = `subject/${this.subjectId}/${this.generation}/${scope}`;
      const bytes = Buffer.from(this.derive(`secret\n${keyId}`, 'binary'), 'latin1').subarray(0, SECRET_BYTES);
      this.byScope.set(scope, (secret = secretOf(keyId, bytes)));
    }
    return secret;
  }
}

type KeyRow = VaultTables['vault_key'];

/** Runs behind each commit of a long work. @param done how much was done so far */
export type OnCommit = (done: number) => void | Promise<void>;

const SECRET_BYTES = 32;
// SQLite and PostgreSQL both take this many parameters in one statement with room to spare.
const ROWS_AT_ONCE = 100;
// Of staff, years, quarantined records: few are asked for again soon.
const CACHED_HOLDERS = 5_000;

/**
 * The secrets in the vault, each wrapped with a key of the keyring. What is remembered is forgotten when the vault's epoch has risen;
 * whoever opens or seals has looked at it first (the directory does so once a batch).
 */
export class Secrets {
  private readonly subjects: LRUCache<string, SubjectSecrets>;
  private readonly holders = new LRUCache<string, Secret>({ max: CACHED_HOLDERS });

  constructor(
    private readonly vault: VaultSql,
    private readonly keyring: Keyring,
    private readonly clock: Clock,
    cachedPeople: number,
  ) {
    this.subjects = new LRUCache({ max: cachedPeople });
    vault.onEpoch(() => {
      this.subjects.clear();
      this.holders.clear();
    });
  }

  /**
   * The secrets of subjects that the directory has just named.
   *
   * @throws SubjectErased
   */
  async ofSubjects(subjectIds: readonly string[]): Promise<ReadonlyMap<string, SubjectSecrets>> {
    const found = await this.subjectsIn(this.vault.sql.reader, subjectIds);
    for (const subjectId of subjectIds) if (!found.has(subjectId)) throw new SubjectErased(subjectId);
    return found;
  }

  /** The secret of one subject, asked for by itself. @throws SubjectErased */
  async ofSubject(subjectId: string, scope: Scope): Promise<Secret> {
    await this.vault.look();
    return (await this.ofSubjects([subjectId])).get(subjectId)!.of(scope);
  }

  /** Whether the subject has a root, that is: has existed and was not erased. */
  async hasSubject(subjectId: string): Promise<boolean> {
    const row = await this.vault.sql.reader
      .selectFrom('vault_key')
      .select('holder')
      .where('holder', '=', `subject/${subjectId}`)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** Of those who act for the organization: who released data is evidence that no data subject can have destroyed. */
  ofStaff(year: number): Promise<Secret> {
    return this.held(`staff/${year}`);
  }

  /** Of what is about nobody. */
  ofLedger(year: number): Promise<Secret> {
    return this.held(`ledger/${year}`);
  }

  /** Of one case: what was asked for and decided in it goes when it does. */
  ofCase(caseId: string): Promise<Secret> {
    return this.held(`case/${caseId}`);
  }

  /** For texts that several subjects share: new secrets, in order, each of which goes with the first of its subjects. One commit. */
  async shared(groups: readonly (readonly string[])[]): Promise<Secret[]> {
    if (groups.length === 0) return [];
    const made = groups.map((subjectIds) => ({ holder: `shared/${randomUUID()}`, secret: newSecret(), subjectIds }));
    await this.vault.change(async ({ trx }) => {
      await this.insert(
        trx,
        made.map(({ holder, secret }) => this.row(holder, secret)),
      );
      const shares = made.flatMap(({ holder, subjectIds }) => subjectIds.map((subject_id) => ({ holder, subject_id })));
      for (let at = 0; at < shares.length; at += ROWS_AT_ONCE)
        await trx
          .insertInto('vault_share')
          .values(shares.slice(at, at + ROWS_AT_ONCE))
          .execute();
    });
    return made.map(({ holder, secret }) => secretOf(holder, secret));
  }

  /** For quarantine entries, in order: new secrets, each wrapped with the day's, so that all of a day go with one row. One commit. */
  async quarantined(entryIds: readonly string[]): Promise<Secret[]> {
    if (entryIds.length === 0) return [];
    const day = `quarantine-day/${isoTime(this.clock.now()).slice(0, 10)}`;
    const made = entryIds.map((entryId) => ({ holder: `quarantine/${entryId}`, secret: newSecret() }));
    await this.vault.change(async ({ trx }) => {
      const daySecret = await this.findOrMake(trx, day);
      await this.insert(
        trx,
        made.map(({ holder, secret }) => this.rowUnder(day, daySecret, holder, secret)),
      );
    });
    return made.map(({ holder, secret }) => secretOf(holder, secret));
  }

  /** The secret of a key id; null when it was destroyed, or never was. */
  async byId(keyId: string): Promise<Secret | null> {
    return (await this.byIds([keyId])).get(keyId) ?? null;
  }

  /** The secrets of key ids, as many as there are. */
  async byIds(keyIds: readonly string[]): Promise<ReadonlyMap<string, Secret>> {
    await this.vault.look();
    const found = new Map<string, Secret>();
    const others: string[] = [];
    for (const keyId of new Set(keyIds)) {
      const secret = this.holders.get(keyId);
      if (secret === undefined) others.push(keyId);
      else found.set(keyId, secret);
    }
    const subjects = await this.subjectsIn(
      this.vault.sql.reader,
      others.flatMap((keyId) => subjectIn(keyId) ?? []),
    );
    const alone: string[] = [];
    for (const keyId of others) {
      const secret = subjects.get(subjectIn(keyId) ?? '')?.byId(keyId) ?? null;
      if (secret === null) alone.push(keyId);
      else found.set(keyId, secret);
    }
    for (const [keyId, secret] of await this.holdersIn(this.vault.sql.reader, alone)) found.set(keyId, secret);
    return found;
  }

  /** Makes the roots of new subjects, in the change that makes the subjects. */
  async makeRoots(trx: VaultTransaction, subjectIds: readonly string[]): Promise<void> {
    await this.insert(
      trx,
      subjectIds.map((subjectId) => ({ ...this.row(`subject/${subjectId}`, newSecret(), 1), subject_id: subjectId })),
    );
  }

  /** The secrets of subjects as one transaction sees them, as many as there are. What is made in it is not remembered. */
  async subjectsIn(
    db: VaultDb | VaultTransaction,
    subjectIds: readonly string[],
  ): Promise<ReadonlyMap<string, SubjectSecrets>> {
    const found = new Map<string, SubjectSecrets>();
    const missing = new Set<string>();
    for (const subjectId of subjectIds) {
      const known = this.subjects.get(subjectId);
      if (known === undefined) missing.add(subjectId);
      else found.set(subjectId, known);
    }
    const { epoch } = this.vault;
    for (const row of await this.openableRows(
      db,
      [...missing].map((subjectId) => `subject/${subjectId}`),
    )) {
      const subjectId = row.holder.slice('subject/'.length);
      const secrets = new SubjectSecrets(subjectId, row.generation, this.unwrap(row));
      found.set(subjectId, secrets);
      if (db === this.vault.sql.reader && epoch === this.vault.epoch) this.subjects.set(subjectId, secrets);
    }
    return found;
  }

  /** The 32 bytes of a holder's secret; null where there is none. */
  async bytesIn(db: VaultDb | VaultTransaction, holder: string): Promise<Buffer | null> {
    const [row] = await this.openableRows(db, [holder]);
    return row === undefined ? null : this.unwrap(row);
  }

  /** Makes a secret for a holder that has none. @returns its 32 bytes */
  async make(trx: VaultTransaction, holder: string): Promise<Buffer> {
    const secret = newSecret();
    await this.insert(trx, [this.row(holder, secret)]);
    return secret;
  }

  /** How many keys are wrapped with one that is not the current one. */
  async wrappedBefore(): Promise<number> {
    const { current, keys } = this.keyring.wrapping;
    return this.wrappedBy([...keys.keys()].filter((id) => id !== current));
  }

  /** How many keys these wrapping keys wrap. */
  async wrappedBy(ids: readonly string[], db: VaultDb | VaultTransaction = this.vault.sql.reader): Promise<number> {
    if (ids.length === 0) return 0;
    const { rows } = await db
      .selectFrom('vault_key')
      .select(({ fn }) => fn.countAll().as('rows'))
      .where('wrapped_by', 'in', ids)
      .executeTakeFirstOrThrow();
    return Number(rows);
  }

  /**
   * Wraps what is wrapped under an older key with the current one, a hundred rows a commit: cut short anywhere, it is gone on with by
   * calling it again. Nobody wraps with the older ones meanwhile, see `VaultSql.change`. A row that does not open stays as it is.
   *
   * @param onCommit told how many were wrapped anew so far; whoever throws there cuts it short
   * @returns how many that were
   */
  async rewrap(onCommit: OnCommit = () => undefined): Promise<number> {
    let [after, rewrapped] = ['', 0];
    for (;;) {
      const { current, keys } = this.keyring.wrapping;
      const older = [...keys.keys()].filter((id) => id !== current);
      if (older.length === 0) break;
      const found = await this.vault.sql.reader
        .selectFrom('vault_key')
        .select('holder')
        .where('wrapped_by', 'in', older)
        .where('holder', '>', after)
        .orderBy('holder')
        .limit(ROWS_AT_ONCE)
        .execute();
      if (found.length === 0) break;
      const holders = found.map(({ holder }) => holder);
      rewrapped += await this.vault.change(({ trx }) => this.rewrapRows(trx, holders));
      after = holders.at(-1)!;
      await onCommit(rewrapped);
    }
    // What the older key opens was in the write-ahead log until now.
    if (rewrapped > 0) await this.vault.wipe();
    return rewrapped;
  }

  private async rewrapRows(trx: VaultTransaction, holders: readonly string[]): Promise<number> {
    const { current, keys } = this.keyring.wrapping;
    let rewrapped = 0;
    // As they stand under the lock: one may have been destroyed, or made anew, since it was read.
    for (const row of await this.openableRows(trx, holders)) {
      if (row.wrapped_by === current || !keys.has(row.wrapped_by)) continue;
      const secret = this.tryUnwrap(row);
      if (secret === null) continue;
      const { wrapped, wrapped_by } = this.wrapped({ ...row, wrapped_by: current }, keys.get(current)!, secret);
      await trx.updateTable('vault_key').set({ wrapped, wrapped_by }).where('holder', '=', row.holder).execute();
      rewrapped += 1;
    }
    return rewrapped;
  }

  private async held(holder: string): Promise<Secret> {
    await this.vault.look();
    const known = this.holders.get(holder);
    if (known !== undefined) return known;
    const { epoch } = this.vault;
    const bytes =
      (await this.bytesIn(this.vault.sql.reader, holder)) ??
      (await this.vault.change(({ trx }) => this.findOrMake(trx, holder)));
    const secret = secretOf(holder, bytes);
    if (epoch === this.vault.epoch) this.holders.set(holder, secret);
    return secret;
  }

  private async findOrMake(trx: VaultTransaction, holder: string): Promise<Buffer> {
    return (await this.bytesIn(trx, holder)) ?? (await this.make(trx, holder));
  }

  private async holdersIn(db: VaultDb, holders: readonly string[]): Promise<Map<string, Secret>> {
    const found = new Map<string, Secret>();
    const { epoch } = this.vault;
    const rows = await this.openableRows(db, holders);
    const days = new Map<string, Buffer>();
    const dayNames = rows.filter(isOfDay).map((row) => row.wrapped_by);
    for (const row of await this.openableRows(db, [...new Set(dayNames)])) days.set(row.holder, this.unwrap(row));
    for (const row of rows) {
      const day = days.get(row.wrapped_by);
      // Its day is gone, and with it what the record held.
      if (isOfDay(row) && day === undefined) continue;
      const secret = secretOf(row.holder, isOfDay(row) ? unwrapUnder(row, day!) : this.unwrap(row));
      if (epoch === this.vault.epoch) this.holders.set(row.holder, secret);
      found.set(row.holder, secret);
    }
    return found;
  }

  private async insert(trx: VaultTransaction, rows: readonly KeyRow[]): Promise<void> {
    for (let at = 0; at < rows.length; at += ROWS_AT_ONCE)
      await trx
        .insertInto('vault_key')
        .values(rows.slice(at, at + ROWS_AT_ONCE))
        .execute();
  }

  private row(holder: string, secret: Buffer, generation = 0): KeyRow {
    const { current, keys } = this.keyring.wrapping;
    return this.wrapped({ holder, generation, wrapped_by: current }, keys.get(current)!, secret);
  }

  private rowUnder(day: string, daySecret: Buffer, holder: string, secret: Buffer): KeyRow {
    const created_at = isoTime(this.clock.now());
    const wrapped = seal(secretOf(day, daySecret), holder, secret);
    return { holder, subject_id: null, generation: 0, wrapped_by: day, created_at, wrapped };
  }

  private wrapped(row: Pick<KeyRow, 'holder' | 'generation' | 'wrapped_by'>, key: Buffer, secret: Buffer): KeyRow {
    return {
      ...row,
      subject_id: null,
      wrapped: wrap(key, contextOf(row), secret),
      created_at: isoTime(this.clock.now()),
    };
  }

  /** The rows of holders, as many as there are; the keyring is looked at again where it lacks a key that wraps one of them. */
  private async openableRows(db: VaultDb | VaultTransaction, holders: readonly string[]): Promise<KeyRow[]> {
    const rows = await rowsOf(db, holders);
    if (rows.some((row) => !isOfDay(row) && !this.keyring.wrapping.keys.has(row.wrapped_by)))
      await rereadIfThere(this.keyring);
    return rows;
  }

  /** @throws KeyringUnusable the keyring lacks the key that wraps it */
  private unwrap(row: KeyRow): Buffer {
    const kind = row.holder.split('/')[0];
    if (!this.keyring.wrapping.keys.has(row.wrapped_by))
      throw new KeyringUnusable(
        `the keyring has no wrapping key ${row.wrapped_by}, which ${kind} keys of this vault need${behindLacking(this.keyring, '; put the newest keyring back')}`,
      );
    const secret = this.tryUnwrap(row);
    if (secret === null)
      throw new Error(
        `a ${kind} key of this vault does not open under ${row.wrapped_by}, which it names: it was changed`,
      );
    return secret;
  }

  /** Null for a row that was changed. */
  private tryUnwrap(row: KeyRow): Buffer | null {
    const key = this.keyring.wrapping.keys.get(row.wrapped_by)!;
    try {
      return unwrap(key, contextOf(row), row.wrapped);
    } catch {
      return null;
    }
  }
}

/** Whether it is wrapped with the secret of a day, and not with a key of the keyring. */
function isOfDay({ wrapped_by }: KeyRow): boolean {
  return wrapped_by.startsWith('quarantine-day/');
}

/** What a wrapped secret belongs to, so that no row's secret can be put into another row. */
function contextOf({ holder, generation }: Pick<KeyRow, 'holder' | 'generation'>): string {
  return `${holder}\n${generation}`;
}

function unwrapUnder(row: KeyRow, day: Buffer): Buffer {
  return openWith(openingOf(secretOf(row.wrapped_by, day), row.holder), row.holder, row.wrapped);
}

function newSecret(): Buffer {
  return randomBytes(SECRET_BYTES);
}

/** The subject that a key id belongs to; null when it is no subject's. */
function subjectIn(keyId: string): string | null {
  const [kind, subjectId] = keyId.split('/');
  return kind === 'subject' && subjectId !== undefined ? subjectId : null;
}

async function rowsOf(db: VaultDb | VaultTransaction, holders: readonly string[]): Promise<KeyRow[]> {
  return holders.length === 0
    ? []
    : db
        .selectFrom('vault_key')
        .selectAll()
        .where(isAmong<VaultTables>(db, 'holder', holders))
        .execute();
}

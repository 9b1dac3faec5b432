import { createCipheriv, createDecipheriv, createHmac, randomBytes, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { LRUCache } from 'lru-cache';
import type { Transaction } from 'kysely';
import { isoTime, openSql, retryWhileBusy, type Clock, type Sql, type SqlTarget } from '@sijill/platform';
import { normalizeIdentifier, type Identifier } from './identifier.js';
import { KeyringUnusable, type Keyring } from './keyring.js';
import { deriveKeys, seal, unseal, type HolderKeys } from './seal.js';
import { vaultMigrations, type VaultTables } from './tables.js';

/** One person as an event names them: normalized identifiers, at least one. */
export type PersonIdentifiers = readonly Identifier[];

export interface ResolvedSubject {
  readonly subjectId: string;
  readonly keys: HolderKeys;
  /** Identifiers listed with this person that the directory knows as another's. Recorded, never merged. */
  readonly conflicts: readonly { readonly scheme: string; readonly subjectId: string }[];
}

/** Holds the parts that belong to no data subject: entries about none, reasons of look-ups that found nobody. */
export const LEDGER_HOLDER = 'ledger';

// Positive answers only; sizes keep a busy day's people in about 20 MB. Whether a subject is still there is always asked anew.
const CACHED_PEOPLE = 50_000;

// SQLite and PostgreSQL both take this many parameters in one statement with room to spare.
const CHUNK = 500;

/**
 * The vault: subject directory and keys, the only store that knows people and the only one that can forget them.
 *
 * Rows are durable before any entry uses them. Several processes may share one vault: every change runs in a transaction that
 * first takes the one write lock (a row update, the same on both dialects), then looks again.
 */
export class Vault {
  /** Identifier → its place in the directory. In memory only, like the identifiers that pass through. */
  private readonly indexes: LRUCache<string, string>;
  private readonly subjects: LRUCache<string, string>;
  private readonly keys: LRUCache<string, HolderKeys>;

  private constructor(
    private readonly sql: Sql<VaultTables>,
    private readonly keyring: Keyring,
    private readonly clock: Clock,
    readonly defaultRegion: string,
    cachedPeople: number,
  ) {
    this.indexes = new LRUCache({ max: 2 * cachedPeople });
    this.subjects = new LRUCache({ max: cachedPeople });
    this.keys = new LRUCache({ max: cachedPeople });
  }

  /**
   * Opens the vault with its keyring.
   *
   * @param cachedPeople how many are kept in memory; the memory is taken at once
   * @throws KeyringUnusable the vault was made with another keyring
   * @throws DatabaseUnavailable
   */
  static async open(
    target: SqlTarget,
    keyring: Keyring,
    clock: Clock,
    defaultRegion: string,
    cachedPeople = CACHED_PEOPLE,
  ): Promise<Vault> {
    const sql = await openSql<VaultTables>(target, { name: 'vault', durability: 'full', migrations: vaultMigrations });
    const vault = new Vault(sql, keyring, clock, defaultRegion, cachedPeople);
    try {
      const rows = [
        { name: 'lock', value: '' },
        { name: 'keyring', value: keyring.fingerprint },
      ];
      await retryWhileBusy(() =>
        sql.writer
          .insertInto('vault_meta')
          .values(rows)
          .onConflict((conflict) => conflict.doNothing())
          .execute(),
      );
      const { value } = await sql.writer
        .selectFrom('vault_meta')
        .select('value')
        .where('name', '=', 'keyring')
        .executeTakeFirstOrThrow();
      if (value !== keyring.fingerprint) {
        throw new KeyringUnusable(
          'this keyring is not the one that the vault was made with; nothing sealed would open. Put the right one back',
        );
      }
      await vault.holder(LEDGER_HOLDER);
    } catch (error) {
      await sql.close();
      throw error;
    }
    return vault;
  }

  /** Whether a vault was ever opened here, that is: whether something may have been sealed with its keyring. */
  static async exists(target: SqlTarget): Promise<boolean> {
    if (target.kind === 'sqlite') return existsSync(target.file);
    const sql = await openSql<VaultTables>(target, { name: 'vault', durability: 'full', migrations: vaultMigrations });
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

  /**
   * Finds or makes the subject of each person, in order, and links the identifiers that were not known. A person belongs to
   * the subject of the first identifier listed that is known; when this returns, all rows are durable.
   *
   * @param people normalized identifiers; a later person of the batch sees what an earlier one linked
   */
  async resolve(people: readonly PersonIdentifiers[]): Promise<ResolvedSubject[]> {
    const indexes = people.map((person) => person.map((identifier) => this.blindIndex(identifier)));
    const known = await this.lookUpAll(this.sql.reader, indexes.flat());
    if (indexes.flat().some((index) => !known.has(index))) await this.link(people, indexes, known);

    const owners = indexes.map((person) => owner(person, known));
    const keys = await this.holders(owners);
    return people.map((person, i) => ({
      subjectId: owners[i]!,
      keys: keys.get(owners[i]!)!,
      conflicts: person.flatMap((identifier, k) => {
        const subjectId = known.get(indexes[i]![k]!)!;
        return subjectId === owners[i] ? [] : [{ scheme: identifier.scheme, subjectId }];
      }),
    }));
  }

  /** The subject that an identifier (in any form its scheme allows) leads to, or null. Makes nothing. */
  async find(identifier: Identifier): Promise<string | null> {
    const normalized = normalizeIdentifier(identifier, this.defaultRegion);
    if (typeof normalized !== 'string') return null;
    const index = this.blindIndex({ scheme: identifier.scheme, value: normalized });
    // Not from memory: another process may have erased the subject since.
    const row = await this.sql.reader
      .selectFrom('vault_identifier')
      .select('subject_id')
      .where('blind_index', '=', index)
      .executeTakeFirst();
    return row?.subject_id ?? null;
  }

  /** Whether the subject has a key, that is: has existed and was not erased. */
  async has(subjectId: string): Promise<boolean> {
    const row = await this.sql.reader
      .selectFrom('vault_key')
      .select('holder_id')
      .where('holder_id', '=', subjectId)
      .executeTakeFirst();
    return row !== undefined;
  }

  /** All identifiers linked to a subject, in clear, in the order in which they were linked. For the subject's own documents. */
  async identifiersOf(subjectId: string): Promise<Identifier[]> {
    const keys = await this.holderIfAny(subjectId);
    if (keys === null) return [];
    const rows = await this.sql.reader
      .selectFrom('vault_identifier')
      .select(['blind_index', 'scheme', 'sealed'])
      .where('subject_id', '=', subjectId)
      .orderBy('linked_at')
      .orderBy('scheme')
      .orderBy('blind_index')
      .execute();
    return rows.map((row) => ({
      scheme: row.scheme,
      value: unseal(keys, row.blind_index, row.sealed).toString('utf8'),
    }));
  }

  /** The keys of a holder, or null when it never existed or was destroyed. */
  async holderIfAny(holderId: string): Promise<HolderKeys | null> {
    return (await this.readHolders(this.sql.reader, [holderId])).get(holderId) ?? null;
  }

  /** The keys of a holder, made durable first where there are none. For quarantine entries and the ledger itself. */
  async holder(holderId: string): Promise<HolderKeys> {
    const existing = await this.holderIfAny(holderId);
    if (existing !== null) return existing;
    return this.change(async (trx) => {
      const raced = (await this.readHolders(trx, [holderId])).get(holderId);
      return raced ?? (await this.makeHolders(trx, [holderId])).get(holderId)!;
    });
  }

  /** Many holders at once, one commit for all that are new. */
  async makeNewHolders(holderIds: readonly string[]): Promise<Map<string, HolderKeys>> {
    if (holderIds.length === 0) return new Map();
    return this.change((trx) => this.makeHolders(trx, holderIds));
  }

  async close(): Promise<void> {
    await this.sql.close();
  }

  private blindIndex(identifier: Identifier): string {
    const name = `${identifier.scheme}\0${identifier.value}`;
    const known = this.indexes.get(name);
    if (known !== undefined) return known;
    const index = createHmac('sha256', this.keyring.index).update(name).digest('base64url');
    this.indexes.set(name, index);
    return index;
  }

  private async lookUpAll(db: Sql<VaultTables>['reader'], indexes: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    const missing = new Set<string>();
    for (const index of indexes) {
      const cached = this.subjects.get(index);
      if (cached === undefined) missing.add(index);
      else found.set(index, cached);
    }
    for (const chunk of chunksOf([...missing])) {
      const rows = await db
        .selectFrom('vault_identifier')
        .select(['blind_index', 'subject_id'])
        .where('blind_index', 'in', chunk)
        .execute();
      for (const row of rows) {
        found.set(row.blind_index, row.subject_id);
        this.subjects.set(row.blind_index, row.subject_id);
      }
    }
    return found;
  }

  /** Fills `known` for every identifier of the batch. A crash before the commit leaves nothing; after it, all of it. */
  private async link(
    people: readonly PersonIdentifiers[],
    indexes: readonly string[][],
    known: Map<string, string>,
  ): Promise<void> {
    const linked = await this.change(async (trx) => {
      const now = new Map(known);
      const unknown = indexes.flat().filter((index) => !now.has(index));
      for (const [index, subjectId] of await this.lookUpAll(trx, unknown)) now.set(index, subjectId);
      const linkedBefore = new Set(now.keys());

      const subjectOf: string[] = [];
      const made: string[] = [];
      indexes.forEach((person, i) => {
        const existing = person.map((index) => now.get(index)).find((subjectId) => subjectId !== undefined);
        subjectOf[i] = existing ?? randomUUID();
        if (existing === undefined) made.push(subjectOf[i]);
        for (const index of person) if (!now.has(index)) now.set(index, subjectOf[i]!);
      });

      const fresh = await this.makeHolders(trx, made);
      const older = await this.readHolders(
        trx,
        subjectOf.filter((subjectId) => !fresh.has(subjectId)),
      );
      const rows: VaultTables['vault_identifier'][] = [];
      const added = new Set<string>();
      const linkedAt = isoTime(this.clock.now());
      people.forEach((person, i) =>
        person.forEach((identifier, k) => {
          const index = indexes[i]![k]!;
          if (added.has(index) || linkedBefore.has(index) || now.get(index) !== subjectOf[i]) return;
          added.add(index);
          const keys = fresh.get(subjectOf[i]!) ?? older.get(subjectOf[i]!);
          // No key: the subject was erased while its row was still cached somewhere. Nothing can be sealed for it.
          if (keys === undefined) throw new SubjectErased(subjectOf[i]!);
          rows.push({
            blind_index: index,
            scheme: identifier.scheme,
            subject_id: subjectOf[i]!,
            sealed: seal(keys, index, identifier.value),
            linked_at: linkedAt,
          });
        }),
      );
      for (const chunk of chunksOf(rows, CHUNK / 5)) await trx.insertInto('vault_identifier').values(chunk).execute();
      return { now, rows };
    });
    for (const [index, subjectId] of linked.now) known.set(index, subjectId);
    for (const row of linked.rows) this.subjects.set(row.blind_index, row.subject_id);
  }

  private async holders(holderIds: readonly string[]): Promise<Map<string, HolderKeys>> {
    const keys = await this.readHolders(this.sql.reader, holderIds);
    for (const holderId of holderIds) if (!keys.has(holderId)) throw new SubjectErased(holderId);
    return keys;
  }

  private async readHolders(
    db: Sql<VaultTables>['reader'],
    holderIds: readonly string[],
  ): Promise<Map<string, HolderKeys>> {
    const found = new Map<string, HolderKeys>();
    const missing = new Set<string>();
    for (const holderId of holderIds) {
      const cached = this.keys.get(holderId);
      if (cached === undefined) missing.add(holderId);
      else found.set(holderId, cached);
    }
    for (const chunk of chunksOf([...missing])) {
      const rows = await db
        .selectFrom('vault_key')
        .select(['holder_id', 'wrapped'])
        .where('holder_id', 'in', chunk)
        .execute();
      for (const row of rows) {
        const keys = deriveKeys(row.holder_id, this.unwrap(row.holder_id, row.wrapped));
        found.set(row.holder_id, keys);
        this.keys.set(row.holder_id, keys);
      }
    }
    return found;
  }

  private async makeHolders(
    trx: Transaction<VaultTables>,
    holderIds: readonly string[],
  ): Promise<Map<string, HolderKeys>> {
    const made = new Map<string, HolderKeys>();
    const createdAt = isoTime(this.clock.now());
    const rows = [...new Set(holderIds)].map((holderId) => {
      const secret = randomBytes(32);
      made.set(holderId, deriveKeys(holderId, secret));
      return {
        holder_id: holderId,
        wrapped: this.wrap(holderId, secret),
        kek_id: this.keyring.wrapping.id,
        created_at: createdAt,
      };
    });
    for (const chunk of chunksOf(rows, CHUNK / 4)) await trx.insertInto('vault_key').values(chunk).execute();
    return made;
  }

  /** Runs a change under the vault's one write lock; the lock is taken by the first statement, before anything is read. */
  private async change<T>(work: (trx: Transaction<VaultTables>) => Promise<T>): Promise<T> {
    return retryWhileBusy(() =>
      this.sql.writer.transaction().execute(async (trx) => {
        await trx.updateTable('vault_meta').set({ value: '' }).where('name', '=', 'lock').execute();
        return work(trx);
      }),
    );
  }

  private wrap(holderId: string, secret: Buffer): string {
    const iv = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.keyring.wrapping.key, iv).setAAD(Buffer.from(holderId));
    return Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString('base64url');
  }

  private unwrap(holderId: string, wrapped: string): Buffer {
    const bytes = Buffer.from(wrapped, 'base64url');
    const decipher = createDecipheriv('aes-256-gcm', this.keyring.wrapping.key, bytes.subarray(0, 12), {
      authTagLength: 16,
    });
    decipher.setAAD(Buffer.from(holderId)).setAuthTag(bytes.subarray(-16));
    return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]);
  }
}

/** The subject's key is gone: nothing can be sealed for it or opened. */
export class SubjectErased extends Error {
  override readonly name = 'SubjectErased';
  constructor(readonly subjectId: string) {
    super(`the key of subject ${subjectId} was destroyed`);
  }
}

function owner(person: readonly string[], known: ReadonlyMap<string, string>): string {
  for (const index of person) {
    const subjectId = known.get(index);
    if (subjectId !== undefined) return subjectId;
  }
  throw new Error('a person without identifiers cannot be resolved');
}

function* chunksOf<T>(items: readonly T[], size: number = CHUNK): Generator<T[]> {
  for (let i = 0; i < items.length; i += size) yield items.slice(i, i + size);
}

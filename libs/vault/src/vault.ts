import { randomUUID } from 'node:crypto';
import { hmacOf, type Clock, type Hmac, type LedgerPart, type SqlTarget } from '@sijill/platform';
import type { Kysely } from 'kysely';
import type { CaseChange } from './cases/case-change.js';
import type { CaseTables } from './cases/tables.js';
import { Directory } from './directory/directory.js';
import { separateIn } from './directory/link.js';
import { Outbox } from './outbox.js';
import type { DirectoryPorts } from './directory/ports.js';
import { KeyringUnusable } from './keyring-places/index.js';
import type { Keyring, RotatedKeys } from './keyring.js';
import { outboxEntry } from './outbox-entry.js';
import { dropKey, rotateKey } from './rotation.js';
import { seal, unseal } from './seal.js';
import { defaultScope, Secrets } from './secrets.js';
import { Tags } from './tags.js';
import { KeyGone, VaultSql, type VaultChange } from './vault-sql.js';

// Sizes keep a busy day's people in about 20 MB.
const CACHED_PEOPLE = 50_000;

/**
 * The vault: who is who, and the keys; the only store that knows people and the only one that can forget them.
 *
 * Rows are durable before any entry uses them. Several processes may share one vault: each looks once a batch whether anything that it
 * remembers was taken back.
 */
export class Vault {
  /** What was decided here and is not in the store yet. */
  readonly outbox: Outbox;
  /** Whose vault this is. */
  readonly part: LedgerPart;

  private constructor(
    private readonly database: VaultSql,
    readonly directory: Directory,
    readonly secrets: Secrets,
    readonly tags: Tags,
    readonly defaultRegion: string,
    private readonly keyring: Keyring,
    private readonly ports: DirectoryPorts,
  ) {
    this.outbox = new Outbox(database.sql);
    this.part = database.part;
  }

  /**
   * Opens the vault with its keyring.
   *
   * @param cachedPeople how many are kept in memory; the memory is taken at once
   * @throws KeyringUnusable the vault was made with another keyring, or needs a key that this one lacks
   * @throws DatabaseUnavailable
   */
  static async open(
    target: SqlTarget,
    keyring: Keyring,
    clock: Clock,
    defaultRegion: string,
    cachedPeople = CACHED_PEOPLE,
  ): Promise<Vault> {
    const database = await VaultSql.open(target, keyring);
    return Vault.over(database, keyring, clock, defaultRegion, cachedPeople);
  }

  /** The same, where a vault must be there. @throws VaultLost, and what `open` throws */
  static async openExisting(
    target: SqlTarget,
    keyring: Keyring,
    clock: Clock,
    defaultRegion: string,
    cachedPeople = CACHED_PEOPLE,
  ): Promise<Vault> {
    const database = await VaultSql.open(target, keyring, { mayBeNew: false });
    return Vault.over(database, keyring, clock, defaultRegion, cachedPeople);
  }

  private static over(
    database: VaultSql,
    keyring: Keyring,
    clock: Clock,
    defaultRegion: string,
    cachedPeople: number,
  ): Vault {
    const secrets = new Secrets(database, keyring, clock, cachedPeople);
    const ports = portsOf(database, secrets, keyring, clock);
    const directory = new Directory(ports, cachedPeople);
    return new Vault(database, directory, secrets, new Tags(database, secrets, keyring), defaultRegion, keyring, ports);
  }

  /** The tables of cases, for whoever reads them. */
  get cases(): Kysely<CaseTables> {
    return this.database.sql.reader as unknown as Kysely<CaseTables>;
  }

  /** Changes cases, and what follows from them here, all of it or nothing. */
  changeCases<T>(work: (change: CaseChange) => Promise<T>): Promise<T> {
    return this.database.change((change) => work(caseChange(this.ports, change)));
  }

  /**
   * Brings the vault to a new key of the keyring, which every process takes up with its next look. What is made with older ones is
   * `secrets.rewrap`'s and `directory.reindex`'s to bring over; the tags of a quarter stay with their key.
   *
   * @returns its id
   * @throws KeyringUnusable | DatabaseUnavailable the keyring cannot be written
   */
  rotate(name: RotatedKeys): Promise<string> {
    return rotateKey(this.database, this.keyring, name);
  }

  /**
   * Takes a key out of the keyring that nothing here needs any more: then an old copy of the vault, with the keyring as it is, does not open.
   *
   * @throws KeyNeeded | KeyringUnusable | DatabaseUnavailable
   */
  dropKey(id: string): Promise<void> {
    return dropKey(this.database, this.keyring, this.secrets, id);
  }

  /** The ids of the keys of the keyring without which this vault cannot be used, sorted. */
  async neededKeys(): Promise<string[]> {
    const { wrapping, index, tags, authenticators } = await this.database.look();
    const rows = await this.database.sql.reader
      .selectFrom('vault_key')
      .select('wrapped_by')
      .distinct()
      .where('wrapped_by', 'in', [...this.keyring.wrapping.keys.keys()])
      .execute();
    const ofQuarters = await this.tags.keyIds();
    return [
      ...new Set([
        ...[wrapping, tags, ...index.split(','), ...authenticators.split(',')],
        ...[...rows.map((row) => row.wrapped_by), ...ofQuarters],
      ]),
    ].sort();
  }

  /** Looks whether the vault was brought to a key that this process lacks. @throws KeyringUnusable it was; nothing can be written */
  refuseOldKeyring(): Promise<void> {
    return this.database.refuseOldKeyring();
  }

  /**
   * Puts the keyring's authenticators on the ledger's list, before anything is written under one: every process that lacks one of them misses
   * it from then on.
   */
  async takeAuthenticators(): Promise<void> {
    const { authenticators } = await this.database.look();
    const unlisted = (listed: string): string[] =>
      [...this.keyring.authenticator.keys.keys()].filter((id) => !listed.split(',').includes(id));
    if (unlisted(authenticators).length === 0) return;
    await this.database.change(({ before, bringTo }) => {
      bringTo({ authenticators: [before.authenticators, ...unlisted(before.authenticators)].join(',') });
      return Promise.resolve();
    });
  }

  /**
   * Looks whether the ledger has keys of these ids by which it knows its entries. What is on no list of the ledger's somebody made up.
   *
   * @throws KeyringUnusable it has one, and this process lacks it
   */
  refuseWithoutAuthenticators(authenticators: readonly string[]): Promise<void> {
    return this.database.refuseWithoutAuthenticators(authenticators);
  }

  /** The number of its last change. @throws PartBehind | PartOfAnother */
  async sequence(): Promise<number> {
    return (await this.database.look()).sequence;
  }

  /** How often something was taken back that another process may remember, see `VaultState`. @throws PartBehind | PartOfAnother */
  async epoch(): Promise<number> {
    return (await this.database.look()).epoch;
  }

  /** See `VaultSql.assertReached`. */
  assertReached(sequence: number, epoch = 0): Promise<void> {
    return this.database.assertReached(sequence, epoch);
  }

  /**
   * Goes on behind changes that the ledger names and this copy of the vault does not have: they are lost. Whom they made known is
   * somebody new from now on, and what was sealed for them stays closed.
   */
  async goOnBehind(sequence: number): Promise<void> {
    await this.database.change(({ before, take, raiseEpoch }) => {
      for (let number = before.sequence; number < sequence; number++) take();
      raiseEpoch();
      return Promise.resolve();
    });
  }

  /** What was destroyed here is moved out of SQLite's files, see `VaultSql.wipe`. */
  wipe(): Promise<void> {
    return this.database.wipe();
  }

  get isWiped(): boolean {
    return this.database.isWiped;
  }

  async close(): Promise<void> {
    await this.database.close();
  }
}

function caseChange(ports: DirectoryPorts, change: VaultChange): CaseChange {
  const { trx } = change;
  return {
    db: trx as unknown as Kysely<CaseTables>,
    tell: async (entry) => {
      const number = change.take();
      await trx
        .insertInto('vault_outbox')
        .values({ number, entry: JSON.stringify(entry) })
        .execute();
      return number;
    },
    separate: (subjectIds, officer, separationId) => separateIn(ports, change, subjectIds, officer, separationId),
  };
}

function portsOf(database: VaultSql, secrets: Secrets, keyring: Keyring, clock: Clock): DirectoryPorts {
  const hmacs = new Map<string, Hmac>();
  const hmacUnder = (id: string): Hmac => {
    let hmac = hmacs.get(id);
    if (hmac === undefined) {
      const key = keyring.index.keys.get(id);
      if (key === undefined)
        throw new KeyringUnusable(
          `the keyring has no index key ${id}, under which identifiers of this vault stand; put the newest keyring back`,
        );
      hmacs.set(id, (hmac = hmacOf('sha256', key)));
    }
    return hmac;
  };
  return {
    sql: database.sql,
    change: (work) => database.change(work),
    look: () => database.look(),
    blindIndex: (keys, scheme, realm, value) => {
      // A value may hold anything, a scheme and a realm no newline.
      const text = `${scheme}\n${realm ?? ''}\n${value}`;
      const [index, ...older] = keys.split(',').map((id) => `${id}.${hmacUnder(id)(text, 'base64url')}`);
      return { index: index!, older };
    },
    makeRoots: (trx, subjectIds) => secrets.makeRoots(trx, subjectIds),
    sealFor: async (trx, texts) => {
      const subjects = await secrets.subjectsIn(
        trx,
        texts.map(({ subjectId }) => subjectId),
      );
      return texts.map(({ subjectId, context, text }) => seal(livingIn(subjects, subjectId).directory, context, text));
    },
    openFor: async (db, texts) => {
      const subjects = await secrets.subjectsIn(
        db,
        texts.map(({ subjectId }) => subjectId),
      );
      return texts.map(({ subjectId, context, sealed }) => {
        const secret = subjects.get(subjectId)?.directory;
        return secret === undefined ? null : unseal(secret, context, sealed).toString('utf8');
      });
    },
    makeEntry: async (trx, draft) => {
      const { subjectId } = draft.data;
      const subject = livingIn(await secrets.subjectsIn(trx, [subjectId]), subjectId);
      return outboxEntry(draft, subject.of(defaultScope(clock.now())), clock.now());
    },
    now: () => clock.now(),
    newId: () => randomUUID(),
  };
}

/** @throws KeyGone it was destroyed since the change looked, which PostgreSQL allows */
function livingIn<T>(subjects: ReadonlyMap<string, T>, subjectId: string): T {
  const subject = subjects.get(subjectId);
  if (subject === undefined) throw new KeyGone();
  return subject;
}

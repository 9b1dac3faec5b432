import { randomUUID } from 'node:crypto';
import { hmacOf, type Clock, type SqlTarget } from '@sijill/platform';
import type { Kysely } from 'kysely';
import type { CaseChange } from './cases/case-change.js';
import type { CaseTables } from './cases/tables.js';
import { Directory } from './directory/directory.js';
import { separateIn } from './directory/link.js';
import { Outbox } from './outbox.js';
import type { DirectoryPorts } from './directory/ports.js';
import type { Keyring } from './keyring.js';
import { outboxEntry } from './outbox-entry.js';
import { seal, unseal } from './seal.js';
import { defaultScope, Secrets } from './secrets.js';
import { Tags } from './tags.js';
import { VaultSql, type VaultChange } from './vault-sql.js';

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

  private constructor(
    private readonly database: VaultSql,
    readonly directory: Directory,
    readonly secrets: Secrets,
    readonly tags: Tags,
    readonly defaultRegion: string,
    private readonly ports: DirectoryPorts,
  ) {
    this.outbox = new Outbox(database.sql);
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
    const database = await VaultSql.open(target, keyring);
    const secrets = new Secrets(database, keyring, clock, cachedPeople);
    const ports = portsOf(database, secrets, keyring, clock);
    const directory = new Directory(ports, cachedPeople);
    return new Vault(database, directory, secrets, new Tags(database, secrets, keyring), defaultRegion, ports);
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
   * Adds a wrapping key to the keyring, which every process takes up with its next look at the vault. What is wrapped under older ones is
   * `secrets.rewrap`'s.
   *
   * @returns its id
   * @throws KeyringUnusable the keyring cannot be written
   */
  addWrappingKey(): Promise<string> {
    return this.database.addWrappingKey();
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
  const { current, keys } = keyring.index;
  const index = hmacOf('sha256', keys.get(current)!);
  return {
    sql: database.sql,
    change: (work) => database.change(work),
    look: () => database.look(),
    // A value may hold anything, a scheme and a realm no newline.
    blindIndex: (scheme, realm, value) => index(`${scheme}\n${realm ?? ''}\n${value}`, 'base64url'),
    makeRoots: (trx, subjectIds) => secrets.makeRoots(trx, subjectIds),
    sealFor: async (trx, texts) => {
      const subjects = await secrets.subjectsIn(
        trx,
        texts.map(({ subjectId }) => subjectId),
      );
      return texts.map(({ subjectId, context, text }) => seal(subjects.get(subjectId)!.directory, context, text));
    },
    openFor: async (texts) => {
      const subjects = await secrets.subjectsIn(
        database.sql.reader,
        texts.map(({ subjectId }) => subjectId),
      );
      return texts.map(({ subjectId, context, sealed }) => {
        const secret = subjects.get(subjectId)?.directory;
        return secret === undefined ? null : unseal(secret, context, sealed).toString('utf8');
      });
    },
    makeEntry: async (trx, draft) => {
      const { subjectId } = draft.data;
      const subject = (await secrets.subjectsIn(trx, [subjectId])).get(subjectId)!;
      return outboxEntry(draft, subject.of(defaultScope(clock.now())), clock.now());
    },
    now: () => clock.now(),
    newId: () => randomUUID(),
  };
}

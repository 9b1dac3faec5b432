import type { Sql } from '@sijill/platform';
import type { VaultTables } from '../tables.js';
import type { VaultChange, VaultDb, VaultState, VaultTransaction } from '../vault-sql.js';

/** An entry of the ledger's own, which waits in the vault's outbox from the transaction that decides what it says. */
export interface EntryDraft {
  readonly type: string;
  /** What it says in clear, `subjectId` included. */
  readonly data: Readonly<Record<string, unknown>> & { readonly subjectId: string };
  /** Who caused it, by a stable id; `ledger` for what the ledger concluded from an event. */
  readonly principal: string;
  /** In words; sealed with the subject's key. */
  readonly reason: string | null;
  /** Its place in the outbox: a number of the vault's changes that is its own. */
  readonly outbox: number;
}

/** What the directory needs of the vault around it. */
export interface DirectoryPorts {
  /** The vault's database; the directory reads and writes its own tables only. */
  readonly sql: Sql<VaultTables>;
  /** Runs a change under the lock; committed and durable when it returns. */
  change<T>(work: (change: VaultChange) => Promise<T>): Promise<T>;
  /** Where the vault stands now, in one small read. */
  look(): Promise<VaultState>;
  /**
   * The keyed names of an identifier: the one under which it is bound, and those under which it may stand from before.
   *
   * @param keys of the vault's state, the `index`
   * @throws KeyringUnusable this process cannot read one of them
   */
  blindIndex(keys: string, scheme: string, realm: string | null, value: string): BlindIndex;
  /** Makes the roots of new subjects. */
  makeRoots(trx: VaultTransaction, subjectIds: readonly string[]): Promise<void>;
  /** Seals texts, each with the directory secret of its subject and bound to its context; in order. */
  sealFor(trx: VaultTransaction, texts: readonly ClearText[]): Promise<string[]>;
  /** Opens what `sealFor` sealed; null where the subject's secret is gone. In order. @throws SealBroken */
  openFor(db: VaultDb, texts: readonly SealedText[]): Promise<(string | null)[]>;
  /** Makes the entry of a draft, as the text that the outbox keeps. */
  makeEntry(trx: VaultTransaction, draft: EntryDraft): Promise<{ readonly id: string; readonly text: string }>;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** A random UUID: of a subject, an edge, a case. */
  newId(): string;
}

/** Each begins with the id of its key and a dot. */
export interface BlindIndex {
  readonly index: string;
  /** Under keys before; almost always none. */
  readonly older: readonly string[];
}

export interface ClearText {
  readonly subjectId: string;
  readonly context: string;
  readonly text: string;
}

export interface SealedText {
  readonly subjectId: string;
  readonly context: string;
  readonly sealed: string;
}

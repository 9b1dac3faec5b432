import type { Kysely, Transaction } from 'kysely';
import type { Sql } from '@sijill/platform';
import type { VaultTables } from '../tables.js';

/** Reads the directory's tables: in a change, or beside all changes. */
export type DirectoryDb = Kysely<VaultTables>;

/** What the vault is at one moment. */
export interface VaultLook {
  /** The number of its last change. */
  readonly sequence: number;
  /** Rises when something that a process may remember holds no more. */
  readonly epoch: number;
}

/** One change of the vault under its one write lock. It may run again from its beginning, when it was kept out. */
export interface DirectoryChange {
  readonly trx: Transaction<VaultTables>;
  /** As this change found it; nobody else changes it meanwhile. */
  readonly before: VaultLook;
  /**
   * Takes the next number, another one each time: first `before.sequence + 1`. The last one taken is the vault's sequence from the
   * commit on; a change that takes none leaves the sequence as it was.
   */
  take(): number;
  /** From the commit on, every process forgets what it remembers of the directory. */
  raiseEpoch(): void;
}

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
  change<T>(work: (change: DirectoryChange) => Promise<T>): Promise<T>;
  /** Where the vault stands now, in one small read. */
  look(): Promise<VaultLook>;
  /** The keyed name of an identifier, under which the directory knows it. */
  blindIndex(scheme: string, realm: string | null, value: string): string;
  /** Makes the roots of new subjects. */
  makeRoots(trx: Transaction<VaultTables>, subjectIds: readonly string[]): Promise<void>;
  /** Seals texts, each with the directory secret of its subject and bound to its context; in order. */
  sealFor(trx: Transaction<VaultTables>, texts: readonly ClearText[]): Promise<string[]>;
  /** Opens what `sealFor` sealed; null where the subject's secret is gone. In order. */
  openFor(texts: readonly SealedText[]): Promise<(string | null)[]>;
  /** Makes the entry of a draft, as the text that the outbox keeps. */
  makeEntry(trx: Transaction<VaultTables>, draft: EntryDraft): Promise<{ readonly id: string; readonly text: string }>;
  /** Milliseconds since the Unix epoch. */
  now(): number;
  /** A random UUID: of a subject, an edge, a case. */
  newId(): string;
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

import type { Sql } from '@sijill/platform';
import type { VaultTables } from '../tables.js';
import type { VaultChange, VaultState, VaultTransaction } from '../vault-sql.js';

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
  /** The keyed name of an identifier, under which the directory knows it. */
  blindIndex(scheme: string, realm: string | null, value: string): string;
  /** Makes the roots of new subjects. */
  makeRoots(trx: VaultTransaction, subjectIds: readonly string[]): Promise<void>;
  /** Seals texts, each with the directory secret of its subject and bound to its context; in order. */
  sealFor(trx: VaultTransaction, texts: readonly ClearText[]): Promise<string[]>;
  /** Opens what `sealFor` sealed; null where the subject's secret is gone. In order. */
  openFor(texts: readonly SealedText[]): Promise<(string | null)[]>;
  /** Makes the entry of a draft, as the text that the outbox keeps. */
  makeEntry(trx: VaultTransaction, draft: EntryDraft): Promise<{ readonly id: string; readonly text: string }>;
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

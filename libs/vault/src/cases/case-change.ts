import type { Kysely } from 'kysely';
import type { LinkedOrApart, Officer } from '../directory/link.js';
import type { CaseTables } from './tables.js';

/** An entry that tells of a change to a case, whole: what `ledgerEntry` makes. */
export interface CaseEntry {
  readonly id: string;
  readonly type: string;
}

/**
 * One change of cases under way, under the vault's one lock: what is decided, what follows from it in the vault, and the entries that tell
 * of both are one commit, or nothing. It may run again from its beginning when it was kept out.
 */
export interface CaseChange {
  /** The tables of cases; nobody else changes them meanwhile. */
  readonly db: Kysely<CaseTables>;
  /** Puts an entry into the outbox, behind all earlier ones. @returns its place there */
  tell(entry: CaseEntry): Promise<number>;
  /**
   * Keeps two subjects apart, as {@link Directory.separate}, in this change. What it refuses has changed nothing.
   *
   * @throws IdentityConflict
   */
  separate(subjectIds: readonly [string, string], officer: Officer, separationId: string): Promise<LinkedOrApart>;
}

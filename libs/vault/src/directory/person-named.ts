import { IDENTIFYING_SCHEMES, type Speaker } from '@sijill/contracts';
import type { NamedIdentifier } from '../identifier.js';
import type { BlindIndex } from './ports.js';

/** One person as an event names them. */
export interface PersonNamed {
  /** At least one, as listed. */
  readonly identifiers: readonly NamedIdentifier[];
  /** When it happened, in milliseconds since the Unix epoch. */
  readonly at: number;
  /** Who says so. */
  readonly speaker: Speaker;
  /** The entry that this becomes: what a link or a conflict cites. */
  readonly entryId: string;
}

/** Whose entry it is. */
export interface ResolvedPerson {
  readonly subjectId: string;
  /** The number of the last change of the vault that this decision saw. */
  readonly sequence: number;
  /** Identity conflicts that the event has made or met: ids of cases. */
  readonly cases: readonly string[];
}

/** An identifier under the names that the directory knows it by. */
export type IndexedIdentifier = NamedIdentifier & BlindIndex;

/** Whether a subject has at most one of these at a time, in each realm. */
export function isIdentifying(scheme: string): boolean {
  return (IDENTIFYING_SCHEMES as readonly string[]).includes(scheme);
}

/**
 * The identifiers that are looked at. A contact that nobody has checked counts for nothing beside others: whoever opens an account
 * with somebody else's number must not come into that person's history. Where nothing else is named, the first is taken alone.
 */
export function considered(identifiers: readonly NamedIdentifier[]): readonly NamedIdentifier[] {
  const first = identifiers[0];
  if (first === undefined) throw new Error('a person without identifiers cannot be resolved');
  if (identifiers.length === 1) return identifiers;
  const counting = identifiers.filter(({ scheme, verified }) => verified || isIdentifying(scheme));
  return counting.length === 0 ? [first] : counting;
}

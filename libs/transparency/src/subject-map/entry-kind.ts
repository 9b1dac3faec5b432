/**
 * What an entry about a subject is. The entries of each kind are a chain of their own: whoever is shown that one is whole is shown nothing of
 * the others, not even how many there are.
 *
 * `disclosure`: who received data. `activity`: what else was done with data, and what the subject wished. `consultation`: who looked.
 * `identity`: who is the same person, and who is not. `handling`: what the ledger did besides, such as reports, holds and erasures.
 */
export const ENTRY_KINDS = ['disclosure', 'activity', 'consultation', 'identity', 'handling'] as const;
export type EntryKind = (typeof ENTRY_KINDS)[number];

/** By how the names of their types begin; a name before those that begin it. */
const BEGINNINGS: readonly (readonly [beginning: string, kind: EntryKind])[] = [
  ['sijill.data.disclosed.', 'disclosure'],
  ['sijill.data.', 'activity'],
  ['sijill.consent.', 'activity'],
  ['sijill.objection.', 'activity'],
  ['sijill.request.', 'activity'],
  ['sijill.subject.minor_identified.', 'activity'],
  ['sijill.identifier.', 'activity'],
  ['sijill.ledger.consulted.', 'consultation'],
  ['sijill.subjects.', 'identity'],
];

/** The kind of an entry, which its type alone decides, for good: proofs that were given away rest on it. */
export function entryKind(type: string): EntryKind {
  return BEGINNINGS.find(([beginning]) => type.startsWith(beginning))?.[1] ?? 'handling';
}

export function isEntryKind(word: string): word is EntryKind {
  return (ENTRY_KINDS as readonly string[]).includes(word);
}

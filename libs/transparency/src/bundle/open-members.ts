import type { LeafEntry } from '../leaf-entry.js';

export type Members = Readonly<Record<string, unknown>>;

/** What an entry of a disclosure may have openly of what was sent, and the ledger's name for whom it concerns. */
export const IN_DATA = [
  'subjectId',
  'occurredAt',
  'dataCategories',
  'purpose',
  'legalBasis',
  'ground',
  'occasion',
  'minimumNecessary',
  'effectOnOthers',
  'policyVersion',
  'system',
  'processingActivity',
  'recipient.id',
  'recipient.name',
  'recipient.kind',
  'recipient.class',
  'recipient.capacity',
  'recipient.country',
  'recipient.contact',
  'recipient.reference',
  'onBehalfOf.id',
  'onBehalfOf.name',
  'onBehalfOf.kind',
  'request.reference',
  'request.sha256',
] as const;
/** Of these a leaf says only `other`, where the word is in no list; the word itself is sealed. */
export const WORDS = ['method', 'transferBasis'] as const;
export const OTHER = 'other';
/** Of an entry's metadata what its event's identity is made from. */
export const OF_EVENT = ['producer', 'source'] as const;
export const NESTED = ['recipient', 'onBehalfOf', 'request'] as const;

/**
 * Compares two entries of one subject that are said to be of the same event. What both have openly is the same in both: it follows from
 * what was sent. What only one of them has may be open in one edition of the schema and sealed in another, and so is a word that
 * no list had.
 *
 * @returns the first member in which they differ; null when there is none
 */
export function differingInRepeat(first: LeafEntry, repeat: LeafEntry): string | null {
  if (first.type !== repeat.type) return 'type';
  const [one, other] = [flattened(first.data), flattened(repeat.data)];
  const differs = (path: string, listed: boolean): boolean => {
    const [said, again] = [one.get(path) ?? null, other.get(path) ?? null];
    return said !== null && again !== null && (listed || (said !== OTHER && again !== OTHER)) && !same(said, again);
  };
  return (
    IN_DATA.find((path) => differs(path, true)) ??
    WORDS.find((path) => differs(path, false)) ??
    OF_EVENT.find((name) => !same(first.metadata[name] ?? null, repeat.metadata[name] ?? null)) ??
    null
  );
}

/**
 * The members by their names; those of parties and of a request by dotted ones, and by their own name only where they are none. A
 * member that has a dot in its name is called otherwise: it must not pass for a member of something.
 */
export function flattened(members: Members): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(members)) {
    const isNested = NESTED.includes(name as (typeof NESTED)[number]);
    if (!isNested) flat.set(name.includes('.') ? JSON.stringify(name) : name, value);
    else if (Array.isArray(value) || (typeof value !== 'object' && value !== undefined)) flat.set(name, value);
    else for (const [part, of] of Object.entries(value ?? {})) flat.set(`${name}.${part}`, of);
  }
  return flat;
}

/** Texts, truth values, and lists of them: what is compared is never deeper. */
export function same(said: unknown, is: unknown): boolean {
  if (!Array.isArray(said) || !Array.isArray(is)) return said === is;
  return said.length === is.length && said.every((item, i) => item === is[i]);
}

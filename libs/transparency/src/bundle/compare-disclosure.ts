import type { LeafEntry } from '../leaf-entry.js';
import type { LeafStanding } from './standings.js';

type Members = Readonly<Record<string, unknown>>;

const IN_DATA = [
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
const WORDS = ['method', 'transferBasis'] as const;
const OTHER = 'other';
const IN_METADATA = ['recordedAt', 'producer', 'source'] as const;
/** Compared by other means: by it the leaf is found, and by what stands before the leaf. */
const ELSEWHERE = ['entryId', 'standing', 'sealed'];
const NESTED = ['recipient', 'onBehalfOf', 'request'] as const;
const COMPARED: ReadonlySet<string> = new Set([...IN_DATA, ...WORDS, ...IN_METADATA, ...ELSEWHERE, ...NESTED]);

export interface Compared {
  /** The first member in which report and leaf differ; null when they agree. */
  readonly differing: string | null;
  /** Members of which the report says something that no leaf shows: what is sealed, and what the ledger says of its own. */
  readonly notCompared: readonly string[];
}

/**
 * Compares a disclosure of a report with its leaf, member by member. What the leaf has openly the report says, word for word; what
 * the leaf does not have, and does not name among what is sealed in it, the report has as null.
 */
export function compareDisclosure(
  disclosure: Members,
  { data, metadata }: LeafEntry,
  standing: LeafStanding,
): Compared {
  const has = new Set<unknown>(Array.isArray(data['has']) ? data['has'] : []);
  const said = flattened(disclosure);
  const is = flattened(data);
  const notCompared: string[] = [...said]
    .filter(([path, value]) => !COMPARED.has(path) && saysSomething(value))
    .map(([path]) => path);
  const differs = (path: string): boolean => {
    const [given, leaf] = [said.get(path) ?? null, is.get(path) ?? null];
    const sealed = leaf === null ? has.has(path) : leaf === OTHER && WORDS.includes(path as (typeof WORDS)[number]);
    if (!sealed) return !same(given, leaf);
    if (saysSomething(given) && given !== leaf) notCompared.push(path);
    return false;
  };
  const differing =
    NESTED.find((name) => said.get(name) !== undefined) ??
    [...IN_DATA, ...WORDS].find(differs) ??
    IN_METADATA.find((name) => !same(disclosure[name] ?? null, metadata[name] ?? null)) ??
    (isStanding(disclosure['standing'], standing) ? null : 'standing') ??
    (isSealed(disclosure['sealed'], data['sealed'] !== undefined) ? null : 'sealed');
  return { differing, notCompared };
}

function isStanding(said: unknown, { is, orOther }: LeafStanding): boolean {
  return said === is || (orOther && (said === 'first' || said === 'conflict'));
}

function isSealed(said: unknown, hasSealed: boolean): boolean {
  return hasSealed ? said === 'closed' || said === 'destroyed' : said === 'none';
}

/**
 * The members by their names; those of parties and of a request by dotted ones, and by their own name only where they are none. A
 * member that has a dot in its name is called otherwise: it must not pass for a member of something.
 */
function flattened(members: Members): Map<string, unknown> {
  const flat = new Map<string, unknown>();
  for (const [name, value] of Object.entries(members)) {
    const isNested = NESTED.includes(name as (typeof NESTED)[number]);
    if (!isNested) flat.set(name.includes('.') ? JSON.stringify(name) : name, value);
    else if (Array.isArray(value) || (typeof value !== 'object' && value !== undefined)) flat.set(name, value);
    else for (const [part, of] of Object.entries(value ?? {})) flat.set(`${name}.${part}`, of);
  }
  return flat;
}

function saysSomething(value: unknown): boolean {
  return value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0);
}

/** Texts, truth values, and lists of them: what is compared is never deeper. */
function same(said: unknown, is: unknown): boolean {
  if (!Array.isArray(said) || !Array.isArray(is)) return said === is;
  return said.length === is.length && said.every((item, i) => item === is[i]);
}

import type { LeafEntry } from '../leaf-entry.js';
import { flattened, IN_DATA, NESTED, OF_EVENT, OTHER, same, WORDS, type Members } from './open-members.js';
import type { LeafStanding } from './standings.js';

const IN_METADATA = ['recordedAt', ...OF_EVENT] as const;
/** Compared by other means: by it the leaf is found, and by what stands before the leaf. */
const ELSEWHERE = ['entryId', 'standing', 'sealed'];
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

function saysSomething(value: unknown): boolean {
  return value !== null && value !== undefined && !(Array.isArray(value) && value.length === 0);
}

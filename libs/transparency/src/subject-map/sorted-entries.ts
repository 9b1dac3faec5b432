import { HASH_BYTES } from '../tree/hashing.js';
import { compareKeys } from './map-tiles.js';
import type { SubjectLeaf } from './subject-chain.js';

/** An entry of a subject, by the subject's key. */
export interface SubjectEntry extends SubjectLeaf {
  readonly key: Uint8Array;
}

/** Entries in the order of their keys, those of one subject in the order of the log. */
export interface SortedEntries {
  /** The keys, one behind the other: they are looked at often, and near to each other they are found faster. */
  readonly keys: Uint8Array;
  readonly leaves: readonly SubjectLeaf[];
}

/** @throws RangeError a hash is none, or the entries of a subject are not in the order of the log */
export function sortEntries(entries: Iterable<SubjectEntry>): SortedEntries {
  const sorted = Array.from(entries, (entry) => ({ entry, beginning: beginningOf(entry) }));
  // Hardly ever do two keys begin with the same six bytes.
  sorted.sort((a, b) => a.beginning - b.beginning || compareKeys(a.entry.key, 0, b.entry.key, 0));
  const keys = new Uint8Array(sorted.length * HASH_BYTES);
  const leaves = sorted.map(({ entry }, i) => {
    keys.set(entry.key, i * HASH_BYTES);
    return entry;
  });
  for (let i = 1; i < leaves.length; i++)
    if (
      leaves[i]!.leafIndex <= leaves[i - 1]!.leafIndex &&
      compareKeys(keys, (i - 1) * HASH_BYTES, keys, i * HASH_BYTES) === 0
    )
      throw new RangeError('the entries of a subject are not in the order of the log');
  return { keys, leaves };
}

function beginningOf({ key, leafHash }: SubjectEntry): number {
  if (key.length !== HASH_BYTES || leafHash.length !== HASH_BYTES)
    throw new RangeError(`a hash has ${HASH_BYTES} bytes`);
  let beginning = 0;
  for (let i = 0; i < 6; i++) beginning = beginning * 256 + key[i]!;
  return beginning;
}

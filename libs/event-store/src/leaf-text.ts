import { canonicalJson } from '@sijill/transparency';
import type { EntryText, LeafBytes, StoredEntry } from './event-store.port.js';

/** An entry as its text again: what was parsed is written in its one canonical form. */
export function entryText(entry: StoredEntry): EntryText {
  return { ...entry, data: canonicalJson(entry.data), metadata: canonicalJson(entry.metadata) };
}

/**
 * The leaf of an entry, as the log of all entries hashes it: its canonical JSON (RFC 8785) with its place in its lane. The members
 * stand in their order, and the bodies are canonical already.
 */
export function leafText({ id, stream, revision, type, data, metadata }: EntryText): string {
  return `{"data":${data},"id":${canonicalJson(id)},"lane":${canonicalJson(stream)},"metadata":${metadata},"revision":${revision},"type":${canonicalJson(type)}}`;
}

/** The leaves of some entries. */
export function leafBytes(entries: readonly EntryText[]): LeafBytes {
  const leaves = entries.map((entry) => Buffer.from(`\u0000${leafText(entry)}`));
  return {
    bytes: Buffer.concat(leaves),
    lengths: leaves.map(({ length }) => length),
    positions: entries.map(({ position }) => position),
  };
}

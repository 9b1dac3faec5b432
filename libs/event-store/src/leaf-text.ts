import { hash } from 'node:crypto';
import { canonicalJson, hashLeafText, toHex } from '@sijill/transparency';
import type { EntryText, StoredEntry } from './event-store.port.js';
import type { LeafBytes, RawEvent } from './raw-store.js';
import { splitMetadata } from './stored-form.js';

/** An entry as its text again: what was parsed is written in its one canonical form. */
export function entryText(entry: StoredEntry): EntryText {
  return {
    ...entry,
    data: canonicalJson(entry.data),
    metadata: canonicalJson(entry.metadata),
    sealed: Object.keys(entry.sealed).length === 0 ? '' : canonicalJson(entry.sealed),
  };
}

/** What a leaf is made of. */
export type LeafParts = Pick<
  EntryText,
  'id' | 'type' | 'stream' | 'revision' | 'data' | 'metadata' | 'foreign' | 'sha256'
>;

/**
 * The leaf of an entry, as the log of all entries hashes it: its canonical JSON (RFC 8785) with its place in its lane. The members
 * stand in their order, and the bodies are canonical already. Sealed parts are in it by their hashes, which the data has. A foreign
 * event's leaf says that it is one, and has its digest only.
 */
export function leafText(entry: LeafParts): string {
  return entry.foreign ? foreignLeafText({ ...entry, sha256: entry.sha256! }) : ownLeafText(entry);
}

/** The hash of an entry's leaf in hex. RFC 9162, section 2.1.1 */
export function leafHashOf(entry: StoredEntry | EntryText): string {
  const text = typeof entry.data === 'string' ? (entry as EntryText) : entryText(entry as StoredEntry);
  return text.leafHash ?? toHex(hashLeafText(leafText(text)));
}

/** @see leafText */
export function ownLeafText({ id, stream, revision, type, data, metadata }: Omit<LeafParts, 'foreign'>): string {
  return `{"data":${data},"id":${canonicalJson(id)},"lane":${canonicalJson(stream)},"metadata":${metadata},"revision":${revision},"type":${canonicalJson(type)}}`;
}

/** @see leafText */
export function foreignLeafText({
  stream,
  revision,
  sha256,
}: Pick<EntryText, 'stream' | 'revision'> & { readonly sha256: string }): string {
  return `{"foreign":true,"lane":${canonicalJson(stream)},"revision":${revision},"sha256":"${sha256}"}`;
}

/** The digest of a foreign event: SHA-256, in hex, over id, type, data and metadata as the store gives them, a line each. */
export function foreignDigest({ id, type, data, metadata }: RawEvent): string {
  return hash('sha256', `${id}\n${type}\n${data}\n${metadata}`, 'hex');
}

/** The leaves of some events, each taken for an entry of the ledger. */
export function leafBytes(events: readonly RawEvent[]): LeafBytes {
  const split = events.map((event) => ({ event, ...splitMetadata(event.metadata) }));
  const leaves = split.map(({ event, open }) =>
    Buffer.from(`\u0000${ownLeafText({ ...event, metadata: `${open}}` })}`),
  );
  const beside = split.map((each) => Buffer.from(each.beside));
  let at = 0;
  return {
    bytes: Buffer.concat(leaves),
    lengths: leaves.map(({ length }) => length),
    stored: Buffer.concat(beside),
    beside: beside.map(({ length }) => [at, (at += length)]),
    positions: events.map(({ position }) => position),
  };
}

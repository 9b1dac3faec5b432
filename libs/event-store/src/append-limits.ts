import { hash } from 'node:crypto';
import { canonicalJson } from '@sijill/transparency';
import { AppendTooLarge } from './errors.js';
import type { JsonObject, NewEntry, WrittenEntry } from './event-store.port.js';
import { AUTHENTICATOR_BYTES, isHead } from './stored-form.js';

/** What one append may hold, in bytes as `WrittenEntry.bytes` counts them: the default of EventStoreDB before 25.1. */
export const MAX_APPEND_BYTES = 1_048_576;

/** Entries in one append of a lane: 50,000 tiny ones took a server three seconds, and callers wait for the whole. */
export const MAX_APPEND_ENTRIES = 4_000;

const UUID = /^(?!0{8}-0{4}-0{4}-0{4}-0{12})[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Writes an entry as canonical JSON, measures it, and checks what every store asks of it. One that is written already passes. The
 * hashes of its sealed parts are put into its data.
 *
 * Its bytes are both bodies as they are stored, the authenticator with the longest name of a key, and its type as UTF-16, twice the
 * length; ids, the stream's name and the framing of the transport are free.
 *
 * @throws TypeError an id that is not a lower-case UUID, a reserved or empty type, a head that is empty or has a member that sorts
 *   behind what is stored behind it, a value that JSON cannot hold
 */
export function writeEntry(entry: NewEntry | WrittenEntry): WrittenEntry {
  if (isWritten(entry)) return entry;
  const { id, type, sealed = {} } = entry;
  if (!UUID.test(id)) throw new TypeError(`an entry's id is a lower-case UUID, not ${JSON.stringify(id)}`);
  // Types that begin with $ belong to EventStoreDB itself; an empty one costs its client the whole connection; the embedded
  // store's writer takes what it is handed line by line.
  if (type === '' || type.startsWith('$') || type.includes('\n'))
    throw new TypeError(`${JSON.stringify(type)} cannot be an entry's type`);
  const hasSealed = Object.keys(sealed).length > 0;
  const data = canonicalJson(hasSealed ? { ...entry.data, sealed: hashesOf(sealed) } : entry.data);
  const metadata = canonicalJson(entry.metadata);
  if (!isHead(entry.metadata, metadata))
    throw new TypeError('the metadata of an entry is empty, or has a name that is kept for what is stored behind it');
  return measured({ id, type, data, metadata, sealed: hasSealed ? canonicalJson(sealed) : '' });
}

/** An entry whose texts are there, with what it counts for in an append. */
export function measured(entry: Omit<WrittenEntry, 'bytes'>): WrittenEntry {
  const { type, data, metadata, sealed } = entry;
  const bodies = Buffer.byteLength(data) + Buffer.byteLength(metadata) + Buffer.byteLength(sealed);
  return { ...entry, bytes: bodies + AUTHENTICATOR_BYTES + 2 * type.length };
}

/** The hash of a sealed part, as an entry's data has it: SHA-256 of its text, in base64url. */
export function sealedHash(sealed: string): string {
  return hash('sha256', sealed, 'base64url');
}

/**
 * The entries of one append, written. Both adapters start here, so what the embedded store takes in a demonstration, a cluster
 * takes in production.
 *
 * @throws RangeError     nothing to append
 * @throws TypeError      see `writeEntry`
 * @throws AppendTooLarge together they are over `limitBytes`
 */
export function writtenEntries(
  entries: readonly (NewEntry | WrittenEntry)[],
  limitBytes = MAX_APPEND_BYTES,
): WrittenEntry[] {
  if (entries.length === 0) throw new RangeError('an append holds at least one entry');
  let bytes = 0;
  return entries.map((entry) => {
    const written = writeEntry(entry);
    bytes += written.bytes;
    if (bytes > limitBytes) throw new AppendTooLarge(limitBytes);
    return written;
  });
}

function hashesOf(sealed: Readonly<Record<string, string>>): JsonObject {
  return Object.fromEntries(Object.entries(sealed).map(([part, text]) => [part, sealedHash(text)]));
}

function isWritten(entry: NewEntry | WrittenEntry): entry is WrittenEntry {
  return typeof entry.data === 'string';
}

import { canonicalJson } from '@sijill/transparency';
import { AppendTooLarge } from './errors.js';
import type { NewEntry, WrittenEntry } from './event-store.port.js';

/** What one append may hold, in bytes as `WrittenEntry.bytes` counts them: the default of EventStoreDB before 25.1. */
export const MAX_APPEND_BYTES = 1_048_576;

const UUID = /^(?!0{8}-0{4}-0{4}-0{4}-0{12})[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * Writes an entry as canonical JSON, measures it, and checks what every store asks of it. One that is written already passes.
 *
 * Its bytes are both bodies, and its type as UTF-16, twice the length; ids, the stream's name and the framing of the transport
 * are free.
 *
 * @throws TypeError an id that is not a lower-case UUID, a reserved or empty type, a value that JSON cannot hold
 */
export function writeEntry(entry: NewEntry | WrittenEntry): WrittenEntry {
  if (isWritten(entry)) return entry;
  const { id, type } = entry;
  if (!UUID.test(id)) throw new TypeError(`an entry's id is a lower-case UUID, not ${JSON.stringify(id)}`);
  // Types that begin with $ belong to EventStoreDB itself; an empty one costs its client the whole connection; the embedded
  // store's writer takes what it is handed line by line.
  if (type === '' || type.startsWith('$') || type.includes('\n'))
    throw new TypeError(`${JSON.stringify(type)} cannot be an entry's type`);
  const [data, metadata] = [canonicalJson(entry.data), canonicalJson(entry.metadata)];
  const bytes = Buffer.byteLength(data) + Buffer.byteLength(metadata) + 2 * type.length;
  return { id, type, data, metadata, bytes };
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

function isWritten(entry: NewEntry | WrittenEntry): entry is WrittenEntry {
  return typeof entry.data === 'string';
}

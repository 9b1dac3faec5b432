import { canonicalJson } from '@sijill/transparency';
import { AppendTooLarge } from './errors.js';
import type { NewEntry } from './event-store.port.js';

/** What one append may hold, in bytes as `entryBytes` counts them: the default of EventStoreDB before 25.1. */
export const MAX_APPEND_BYTES = 1_048_576;

/** An entry with its two bodies already written as text, so that an append is measured and stored from one serialization. */
export interface WrittenEntry {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

const UUID = /^(?!0{8}-0{4}-0{4}-0{4}-0{12})[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * How many bytes an entry counts for in an append: both bodies, and its type as UTF-16, twice the length. Ids, the stream's
 * name and the framing of the transport are free.
 */
export function entryBytes(entry: NewEntry): number {
  return writtenBytes(writtenEntry(entry));
}

/**
 * Writes the entries of one append as canonical JSON and checks what every store asks of them. Both adapters start here,
 * so what the embedded store takes in a demonstration, a cluster takes in production.
 *
 * @throws RangeError     nothing to append
 * @throws TypeError      an id that is not a lower-case UUID, a reserved or empty type, a value that JSON cannot hold
 * @throws AppendTooLarge together they are over `limitBytes`
 */
export function writtenEntries(entries: readonly NewEntry[], limitBytes = MAX_APPEND_BYTES): WrittenEntry[] {
  if (entries.length === 0) throw new RangeError('an append holds at least one entry');
  let bytes = 0;
  return entries.map((entry) => {
    const one = writtenEntry(entry);
    bytes += writtenBytes(one);
    if (bytes > limitBytes) throw new AppendTooLarge(limitBytes);
    return one;
  });
}

function writtenEntry({ id, type, data, metadata }: NewEntry): WrittenEntry {
  if (!UUID.test(id)) throw new TypeError(`an entry's id is a lower-case UUID, not ${JSON.stringify(id)}`);
  // Types that begin with $ belong to EventStoreDB itself; an empty one costs its client the whole connection; the embedded
  // store's writer takes what it is handed line by line.
  if (type === '' || type.startsWith('$') || type.includes('\n'))
    throw new TypeError(`${JSON.stringify(type)} cannot be an entry's type`);
  return { id, type, data: canonicalJson(data), metadata: canonicalJson(metadata) };
}

function writtenBytes(entry: WrittenEntry): number {
  return Buffer.byteLength(entry.data) + Buffer.byteLength(entry.metadata) + 2 * entry.type.length;
}

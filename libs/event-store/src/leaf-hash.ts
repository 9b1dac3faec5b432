import { hash } from 'node:crypto';
import { canonicalJson } from '@sijill/transparency';
import type { WrittenEntry } from './event-store.port.js';

const FIRST = '\u0000{"data":';
/** A leaf of at most so many letters, three bytes each, is put together in room that is there already. */
const USUAL_LETTERS = 21_000;

// One leaf is hashed at a time. A text of its own for each, joined from its parts, takes longer to make than the hash.
const room = new Uint8Array(3 * USUAL_LETTERS);
const roomAsBuffer = Buffer.from(room.buffer);
roomAsBuffer.write(FIRST);

/** What a leaf of an entry is made of. */
export interface HashedParts {
  readonly id: string;
  readonly type: string;
  readonly stream: string;
  readonly revision: number;
  readonly data: string;
}

/**
 * The hash of the leaf that an event has as an entry, in hex: SHA-256 of a byte 0x00 and `ownLeafText`. RFC 9162, section 2.1.1.
 *
 * @param open the head without the brace that closes it
 */
export function ownLeafHash({ id, type, stream, revision, data }: HashedParts, open: string): string {
  const middle = `,"id":${canonicalJson(id)},"lane":${canonicalJson(stream)},"metadata":`;
  const last = `},"revision":${revision},"type":${canonicalJson(type)}}`;
  if (FIRST.length + data.length + middle.length + open.length + last.length > USUAL_LETTERS)
    return hash('sha256', FIRST + data + middle + open + last, 'hex');
  let at = FIRST.length;
  for (const part of [data, middle, open, last]) at += roomAsBuffer.write(part, at);
  return hash('sha256', room.subarray(0, at), 'hex');
}

/** The hashes of the leaves that entries have which stand one behind the other in a stream, in hex. @param first the revision of the first */
export function leafHashesAt(stream: string, first: number, entries: readonly WrittenEntry[]): string[] {
  return entries.map(({ id, type, data, metadata: head }, i) =>
    ownLeafHash({ id, type, stream, revision: first + i, data }, head.slice(0, -1)),
  );
}

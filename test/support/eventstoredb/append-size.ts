import type { Proposed } from './event-log.js';
import type { Behaviour } from './releases.js';

/** What one append may hold, as servers before 25.1 have it by default. */
export const MAX_APPEND_SIZE = 1_048_576;

/** The bytes of an event that count towards the limit. */
export function appendBytes(
  { type, data, metadata }: Pick<Proposed, 'type' | 'data' | 'metadata'>,
  { sizeOfAppend }: Behaviour,
): number {
  return sizeOfAppend === 'data' ? data.length : data.length + metadata.length + 2 * type.length;
}

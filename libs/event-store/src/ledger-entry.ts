import { isoTime, newEntryId, newSalt } from '@sijill/platform';
import type { JsonObject, NewEntry } from './event-store.port.js';

/**
 * An entry that the ledger writes by itself, of what happens now.
 *
 * @param now in milliseconds
 * @param id  made before where something in the data is sealed for it
 */
export function ledgerEntry(type: string, now: number, data: JsonObject, id = newEntryId()): NewEntry {
  const recordedAt = isoTime(now);
  return {
    id,
    type,
    data: { occurredAt: recordedAt, ...data },
    metadata: { recordedAt, producer: null, salt: newSalt() },
  };
}

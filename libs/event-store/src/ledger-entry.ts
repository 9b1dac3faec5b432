import { isoTime, newEntryId, newSalt } from '@sijill/platform';
import type { JsonObject, NewEntry } from './event-store.port.js';

/** The form of entries, written in each: what its members mean. */
export const ENTRY_FORMAT = 2;

export interface LedgerEntryOptions {
  /** Who caused it: the principal of a key or a person, `command-line`, or what the ledger does by itself. */
  readonly principal?: string;
  /** Made before where something in it is sealed for it. */
  readonly id?: string;
  /** The sealed parts, and the ids of the keys that they are sealed with. */
  readonly sealed?: Readonly<Record<string, string>>;
  readonly keys?: Readonly<Record<string, string>>;
  /** What else its head says. */
  readonly metadata?: JsonObject;
}

/**
 * An entry that the ledger writes by itself, of what happens now.
 *
 * @param now in milliseconds
 */
export function ledgerEntry(
  type: string,
  now: number,
  data: JsonObject,
  { principal = 'ledger', id = newEntryId(), sealed, keys, metadata }: LedgerEntryOptions = {},
): NewEntry {
  const recordedAt = isoTime(now);
  return {
    id,
    type,
    data: { occurredAt: recordedAt, ...data },
    metadata: {
      format: ENTRY_FORMAT,
      ...(keys === undefined ? {} : { keys: { ...keys } }),
      principal,
      producer: null,
      recordedAt,
      salt: newSalt(),
      ...metadata,
    },
    ...(sealed === undefined ? {} : { sealed }),
  };
}

import type { LeafEntry } from '../leaf-entry.js';
import { parseVerifierKey, type VerifierKey } from '../note/verifier-key.js';
import { FormatInvalid } from '../primitives/bytes.js';

/** The types of the entries that say what a log signs with, and their lane, which has nothing else. */
export const KEY_INTRODUCED = 'sijill.ledger.log_key_introduced.v1';
export const KEY_RETIRED = 'sijill.ledger.log_key_retired.v1';
export const KEYS_LANE = 'ledger-log-keys';

/** That a log signs with one more key, or with one no more, from the entry on that says so. */
export interface KeyAnnouncement {
  readonly what: 'introduced' | 'retired';
  /** Keys are counted from 1, the one that the log begins with. */
  readonly generation: number;
  readonly key: VerifierKey;
  readonly announcedAt: string;
}

/** @throws FormatInvalid the entry announces no key */
export function readAnnouncement({ type, lane, data }: Pick<LeafEntry, 'type' | 'lane' | 'data'>): KeyAnnouncement {
  if (lane !== KEYS_LANE || (type !== KEY_INTRODUCED && type !== KEY_RETIRED))
    throw new FormatInvalid('the entry announces no key of a log');
  const { generation, key, occurredAt } = data;
  if (typeof generation !== 'number' || !Number.isSafeInteger(generation) || generation < 1)
    throw new FormatInvalid('the announcement does not say which key it is about');
  if (typeof key !== 'string' || typeof occurredAt !== 'string')
    throw new FormatInvalid('the announcement does not say what the key is, or when');
  const announced = parseVerifierKey(key);
  if (announced.type !== 'ed25519') throw new FormatInvalid('the announced key is none that logs sign with');
  return {
    what: type === KEY_INTRODUCED ? 'introduced' : 'retired',
    generation,
    key: announced,
    announcedAt: occurredAt,
  };
}

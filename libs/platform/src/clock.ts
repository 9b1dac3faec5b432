import { v7 } from 'uuid';
import { takeRandom } from './random.js';

/** Where time comes from, so that a test can say what time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** The ledger's clock: the machine's, ahead by what the configuration says. Ids of entries keep the machine's own time. */
export function clockOf({ clockAheadMs }: { readonly clockAheadMs: number }): Clock {
  return clockAheadMs === 0 ? systemClock : { now: () => Date.now() + clockAheadMs };
}

// The library would keep these two itself, if it were not given its random bytes: it fetches them for each id, and that was
// the most expensive step of the whole intake.
let lastMs = 0;
let sequence = 0;

/** A fresh entry id: UUIDv7 (RFC 9562, section 6.2, method 1), in the order in which one process makes them. */
export function newEntryId(): string {
  const random = takeRandom(16);
  const now = Date.now();
  if (now > lastMs) {
    lastMs = now;
    sequence = random.readUInt32BE(6) >>> 1;
  } else if ((sequence += 1) > 0xffffffff) {
    lastMs += 1;
    sequence = 0;
  }
  return v7({ random, msecs: lastMs, seq: sequence });
}

/** RFC 3339 in UTC with milliseconds. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

import { v7 } from 'uuid';

/** Where time comes from, so that a test can say what time it is. */
export interface Clock {
  /** Milliseconds since the Unix epoch. */
  now(): number;
}

export const systemClock: Clock = { now: () => Date.now() };

/** A fresh entry id: UUIDv7 (RFC 9562), in the order in which one process makes them. */
export function newEntryId(): string {
  return v7();
}

/** RFC 3339 in UTC with milliseconds. */
export function isoTime(milliseconds: number): string {
  return new Date(milliseconds).toISOString();
}

import { isRfc3339 } from './rfc3339.js';

/** An RFC 3339 time as milliseconds since the epoch, finer digits cut; NaN when there is no such instant. */
export function instantOf(time: string): number {
  return Date.parse(time.toUpperCase().replace(/(\.\d{3})\d+/, '$1'));
}

/**
 * A time as the ledger keeps times: UTC, milliseconds, finer digits cut. A date alone is its first instant in UTC.
 *
 * @param text RFC 3339, or a date such as 2026-07-01
 * @returns null where there is no such day or time, or UTC has no year of four digits for it (texts are compared as texts)
 */
export function parseInstant(text: string): string | null {
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  if (!isRfc3339(whole)) return null;
  const milliseconds = instantOf(whole);
  const year = new Date(milliseconds).getUTCFullYear();
  return year >= 0 && year <= 9999 ? new Date(milliseconds).toISOString() : null;
}

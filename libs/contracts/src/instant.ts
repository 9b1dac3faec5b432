import { isRfc3339 } from './rfc3339.js';

/**
 * A time as the ledger keeps times: UTC, milliseconds, finer digits cut. A date alone is its first instant in UTC.
 *
 * @param text RFC 3339, or a date such as 2026-07-01
 * @returns null where there is no such day or time, or UTC has no year of four digits for it (texts are compared as texts)
 */
export function parseInstant(text: string): string | null {
  const whole = /^\d{4}-\d{2}-\d{2}$/.test(text) ? `${text}T00:00:00Z` : text;
  if (!isRfc3339(whole)) return null;
  const milliseconds = Date.parse(whole.toUpperCase().replace(/(\.\d{3})\d+/, '$1'));
  const year = new Date(milliseconds).getUTCFullYear();
  return year >= 0 && year <= 9999 ? new Date(milliseconds).toISOString() : null;
}

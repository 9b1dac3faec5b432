import { Problem } from '../http/problem.js';

/**
 * A time of a query as the ledger keeps times: UTC, milliseconds, finer digits cut. A date alone is its first instant in UTC.
 *
 * @throws Problem 400 when there is no such day or time
 */
export function instant(path: string, text: string | undefined | null): string | undefined {
  if (text === undefined || text === null) return undefined;
  const milliseconds = Date.parse(text.toUpperCase().replace(/(\.\d{3})\d+/, '$1'));
  const day = text.slice(0, 10);
  // Date.parse rolls the 30th of February over to March.
  if (Number.isNaN(milliseconds) || new Date(`${day}T00:00:00Z`).toISOString().slice(0, 10) !== day) {
    throw Problem.invalid([{ path, code: 'bad_format', message: 'there is no such day or time' }]);
  }
  return new Date(milliseconds).toISOString();
}

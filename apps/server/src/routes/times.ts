import { parseInstant } from '@sijill/contracts';
import { Problem } from '../http/problem.js';

/**
 * A time of a query as the ledger keeps times: UTC, milliseconds, finer digits cut. A date alone is its first instant in UTC.
 *
 * @throws Problem 400 when there is no such day or time
 */
export function instant(path: string, text: string | undefined | null): string | undefined {
  if (text === undefined || text === null) return undefined;
  const parsed = parseInstant(text);
  if (parsed === null) throw Problem.invalid([{ path, code: 'bad_format', message: 'there is no such day or time' }]);
  return parsed;
}

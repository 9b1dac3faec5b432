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

/**
 * A stretch of time between two of them, that one included and this one not.
 *
 * @param path what stands before their names, in what was sent
 * @throws Problem 400 there is no such day or time, or nothing can lie between the two: an empty answer would pass for "nothing happened"
 */
export function period(
  path: string,
  given: { readonly from?: string | null; readonly to?: string | null },
): { readonly from: string | undefined; readonly to: string | undefined } {
  const [from, to] = [instant(`${path}from`, given.from), instant(`${path}to`, given.to)];
  if (from !== undefined && to !== undefined && to <= from)
    throw Problem.invalid([
      { path: `${path}to`, code: 'bad_format', message: 'it is not behind "from": nothing can lie between the two' },
    ]);
  return { from, to };
}

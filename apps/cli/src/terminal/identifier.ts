import { IDENTIFIER_SCHEMES, instantOf, isRfc3339, parseInstant } from '@sijill/contracts';
import { namedIdentifier, type NamedIdentifier } from '@sijill/vault';
import { WrongUse } from '../exit-codes.js';

/**
 * Reads an identifier as commands take it: `scheme:value`, and the realm in which it means something.
 *
 * @param region ISO 3166 country of phones without a country code, and of national ids without a realm
 *
 * @throws WrongUse
 */
export function parseIdentifier(text: string, region: string, realm?: string): NamedIdentifier {
  const colon = text.indexOf(':');
  const scheme = text.slice(0, colon);
  const value = text.slice(colon + 1).trim();
  if (colon < 1 || value === '' || !IDENTIFIER_SCHEMES.includes(scheme as never)) {
    throw new WrongUse(
      `--identifier takes SCHEME:VALUE with one of the schemes ${IDENTIFIER_SCHEMES.join(', ')}, such as phone:+966500000042`,
    );
  }
  const named = namedIdentifier({ scheme, value, realm }, region);
  // Not "nobody has it": it was never looked for.
  if ('code' in named) throw new WrongUse(`${named.member === 'realm' ? '--realm' : '--identifier'}: ${named.message}`);
  return named;
}

/** @throws WrongUse when there is no such day or time */
export function parseTime(option: string, text: string | undefined): string | null {
  if (text === undefined) return null;
  const instant = parseInstant(text);
  if (instant === null)
    throw new WrongUse(`${option} takes a date (2026-07-01) or an RFC 3339 time (2026-07-01T00:00:00Z)`);
  return instant;
}

/** The stretch of `--from` and `--to`. @throws WrongUse there is no such day or time, or nothing can lie between the two */
export function parsePeriod(options: { readonly from?: string; readonly to?: string }): {
  readonly from: string | null;
  readonly to: string | null;
} {
  const [from, to] = [parseTime('--from', options.from), parseTime('--to', options.to)];
  if (from !== null && to !== null && to <= from)
    throw new WrongUse('--to is not behind --from: nothing can lie between the two');
  return { from, to };
}

/** The same where a day would not do: a time in milliseconds, over by this machine's clock. @throws WrongUse */
export function parsePastTime(option: string, text: string | undefined): number | null {
  if (text === undefined) return null;
  const time = isRfc3339(text) ? instantOf(text) : Number.NaN;
  if (!(time <= Date.now()))
    throw new WrongUse(
      `${option} takes a time that is over by this machine's clock, with its zone: 2026-07-01T12:00:00Z, or 2026-07-01T15:00:00+03:00`,
    );
  return time;
}

/** @throws WrongUse when no reason is given */
export function parseReason(text: string): string {
  const reason = text.trim();
  if (reason === '' || reason.length > 500)
    throw new WrongUse('--reason takes 1 to 500 characters: why you read about this person; it is recorded');
  return reason;
}

import { domainToASCII } from 'node:url';
import { isEmail } from 'class-validator';
import { parsePhoneNumberFromString, type CountryCode } from 'libphonenumber-js/max';
import { LRUCache } from 'lru-cache';

/** An identifier as it is given. */
export interface Identifier {
  readonly scheme: string;
  readonly value: string;
  /** The space in which it means something; of a national id the country. Left out, it is that of whoever gives it. */
  readonly realm?: string | undefined;
  /** `false`: nobody has checked that the person holds it. */
  readonly verified?: boolean | undefined;
}

/** An identifier in the one form under which the directory knows it. */
export interface NamedIdentifier {
  readonly scheme: string;
  /** Null where the scheme has none. */
  readonly realm: string | null;
  readonly value: string;
  readonly verified: boolean;
}

/** Why an identifier is none; never repeats it. */
export interface IdentifierFault {
  readonly code: 'invalid_phone' | 'invalid_email' | 'empty' | 'invalid_realm';
  readonly message: string;
  /** The member that is wrong, where it is not the value. */
  readonly member?: 'realm';
}

/** The realm of account and device ids, of those that were given none. */
export const DEFAULT_REALM = 'default';

const REALM = /^[a-z0-9.-]{1,40}$/;
const COUNTRY = /^[A-Z]{2}$/;

/**
 * An identifier in the form under which the directory knows it: its value normalized, its realm named.
 *
 * @param region ISO 3166 country of phones without a country code, and of national ids that name none
 * @param realm  of account and device ids that name none
 */
export function namedIdentifier(
  identifier: Identifier,
  region: string,
  realm: string = DEFAULT_REALM,
): NamedIdentifier | IdentifierFault {
  const value = normalizeIdentifier(identifier, region);
  if (typeof value !== 'string') return value;
  const named = realmOf(identifier, region, realm);
  if (typeof named === 'object' && named !== null) return named;
  return { scheme: identifier.scheme, realm: named, value, verified: identifier.verified !== false };
}

function realmOf({ scheme, realm }: Identifier, region: string, own: string): string | null | IdentifierFault {
  switch (scheme) {
    case 'phone':
    case 'email':
      return realm === undefined
        ? null
        : {
            code: 'invalid_realm',
            member: 'realm',
            message: `a ${scheme} means the same everywhere; leave the realm out`,
          };
    case 'national_id':
      if (COUNTRY.test(realm ?? region)) return realm ?? region;
      return {
        code: 'invalid_realm',
        member: 'realm',
        message: 'the realm of a national id is the country that issued it, in two capital letters, such as SA',
      };
    default:
      if (REALM.test(realm ?? own)) return realm ?? own;
      return {
        code: 'invalid_realm',
        member: 'realm',
        message: 'a realm has 1 to 40 small letters, digits, dots and dashes, such as billing',
      };
  }
}

// Parsing a number against the full metadata costs tens of microseconds and the same people come again and again.
const phones = new LRUCache<string, string | IdentifierFault>({ max: 50_000 });

/**
 * Brings an identifier into the one form under which the directory knows it. Of every scheme: Unicode NFC, without the marks that nobody sees (those of
 * the direction of text, joiners, a byte order mark: Unicode's category Cf), and trimmed. Two who write the same must not be two people.
 *
 * - `phone`: E.164, as libphonenumber reads it under the default region: Arabic-Indic digits, spaces, a leading `00` and
 *   national forms are understood; a number that no plan holds is refused.
 * - `email`: lower case in whole, the domain in ASCII form (IDNA). Dots and `+` tags are kept: whether
 *   they matter is the mail host's business, and two people must never become one. A domain of anything but letters, digits, dots and hyphens
 *   is none.
 * - `national_id`: Arabic-Indic digits are digits.
 * - the others: as they are.
 *
 * @param region ISO 3166 country for phones without a country code
 */
export function normalizeIdentifier(
  identifier: Pick<Identifier, 'scheme' | 'value'>,
  region: string,
): string | IdentifierFault {
  const value = identifier.value.normalize('NFC').replace(UNSEEN, '').trim();
  switch (identifier.scheme) {
    case 'phone':
      return normalizePhone(value, region);
    case 'email':
      return normalizeEmail(value);
    default: {
      const text = identifier.scheme === 'national_id' ? value.replace(EASTERN_DIGIT, asDigit) : value;
      return text === '' ? { code: 'empty', message: 'the identifier is empty' } : text;
    }
  }
}

const UNSEEN = /\p{Cf}/gu;
const EASTERN_DIGIT = /[\u0660-\u0669\u06f0-\u06f9]/g;

/** In both blocks of digits the last four bits are the digit. */
function asDigit(digit: string): string {
  return String(digit.charCodeAt(0) & 0xf);
}

/**
 * Whether a text surely names a person: an email address, or somewhere in it a number in use that begins with `+` or `tel:`. For
 * ids and sources, where plain digits are most often a counter or part of a UUID.
 */
export function namesPerson(text: string, region: string): boolean {
  if (holdsAddress(text)) return true;
  const numbers = text.match(/(?:\+|(?:tel|sms):)[\d٠-٩۰-۹\s().+-]{7,24}/giu) ?? [];
  return numbers.some((number) => typeof normalizePhone(number.replace(/^(tel|sms):/i, ''), region) === 'string');
}

/**
 * Whether something like `a@b.c` stands in a text, that is: whether it matches /[^\s@]+@[^\s@]+\.[^\s@]+/. In one pass: from every
 * place where it might begin that expression looks ahead to the end, and a producer decides how long the text is.
 */
export function holdsAddress(text: string): boolean {
  const domain = /[^\s@]*/y;
  for (let at = text.indexOf('@', 1); at !== -1; at = text.indexOf('@', at + 1)) {
    if (/[\s@]/.test(text[at - 1]!)) continue;
    domain.lastIndex = at + 1;
    const [name] = domain.exec(text)!;
    const dot = name.indexOf('.', 1);
    if (dot !== -1 && dot < name.length - 1) return true;
  }
  return false;
}

function normalizePhone(value: string, region: string): string | IdentifierFault {
  const cacheKey = `${region} ${value}`;
  const known = phones.get(cacheKey);
  if (known !== undefined) return known;
  const international = value
    .replace(/\p{Zs}/gu, ' ')
    .trim()
    .replace(/^(00|٠٠|۰۰)/, '+');
  const parsed = parsePhoneNumberFromString(international, { defaultCountry: region as CountryCode, extract: false });
  const normalized =
    parsed?.isValid() && parsed.ext === undefined
      ? parsed.number
      : ({
          code: 'invalid_phone',
          message: `not a phone number in use under any numbering plan; give it with its country code, or in the national form of ${region}`,
        } as const);
  phones.set(cacheKey, normalized);
  return normalized;
}

/** What can stand in a domain, dots of other scripts too. A parser of addresses would cut off what stands behind a slash, and decode the rest. */
const DOMAIN = /^[\p{L}\p{M}\p{N}.\u3002\uff0e\uff61-]+$/u;

function normalizeEmail(value: string): string | IdentifierFault {
  const lower = value.toLowerCase();
  const at = lower.lastIndexOf('@');
  const domain = lower.slice(at + 1);
  const address = `${lower.slice(0, at)}@${DOMAIN.test(domain) ? domainToASCII(domain) : ''}`;
  if (at > 0 && isEmail(address, { require_tld: false, allow_utf8_local_part: true })) return address;
  return { code: 'invalid_email', message: 'not an email address; it needs a local part, an @ and a domain' };
}

/**
 * Whether a text that should be free of personal data looks like a phone number or an email address. For Kafka keys and
 * envelope attributes: it may only cry wolf, never keep quiet, so digits in a phone's length with a phone's prefix count.
 */
export function looksPersonal(text: string, region: string): boolean {
  if (namesPerson(text, region)) return true;
  const digits = text.trim().replace(/[\s().-]/g, '');
  if (!/^(\+|00)?[\d\u0660-\u0669\u06f0-\u06f9]{8,15}$/.test(digits)) return false;
  if (digits.startsWith('+')) return true;
  if (typeof normalizePhone(digits, region) === 'string' && /^[0٠۰]/.test(digits)) return true;
  return typeof normalizePhone(`+${digits}`, region) === 'string';
}

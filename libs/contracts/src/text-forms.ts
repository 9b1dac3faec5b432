/** A form that a string must have, and how a message tells a person about it. */
export interface TextForm {
  /** With the `u` flag, as JSON Schema reads patterns. Anchored, and without nested repetition: matching is linear. */
  readonly pattern: RegExp;
  /** Completes "must be …". */
  readonly says: string;
}

// NUL cannot be stored by PostgreSQL, and a lone surrogate has no UTF-8 and no canonical JSON: an event that carries one in
// its open part could be accepted and then never be written or projected. Both are refused at the door.
/** Any text that every store can hold. */
export const PLAIN_TEXT: TextForm = {
  pattern: /^[^\u0000\ud800-\udfff]*$/u,
  says: 'text without NUL characters and unpaired surrogates',
};

/** Text without white space, for references such as the source of an event. */
export const UNBROKEN_TEXT: TextForm = {
  pattern: /^[^\s\u0000\ud800-\udfff]*$/u,
  says: 'text without white space, NUL characters and unpaired surrogates',
};

/** A short code of the producer's own, such as the name of a system; it stands in clear. */
export const CODE: TextForm = {
  pattern: /^[\p{L}\p{M}\p{Nd}._:\/@+-]{1,128}$/u,
  says: 'a short code of at most 128 letters, digits and the signs . _ : / @ + -, without white space',
};

/** The space in which an account or a device id means something; for a national id the country that issued it. */
export const REALM: TextForm = {
  pattern: /^([a-z0-9.-]{1,40}|[A-Z]{2})$/u,
  says: 'a realm of at most 40 lower-case letters, digits, "." and "-", or a country as two capital letters',
};

/** A producer's own counter. */
export const SEQUENCE: TextForm = {
  pattern: /^[0-9]{1,20}$/u,
  says: 'a whole number of at most 20 digits',
};

/** W3C Trace Context, section 3.2. */
export const TRACEPARENT: TextForm = {
  pattern: /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/u,
  says: 'a traceparent as W3C Trace Context writes it; leave a broken one out',
};

/** ISO 3166-1 alpha-2, by its form. */
export const COUNTRY: TextForm = {
  pattern: /^[A-Z]{2}$/u,
  says: 'a country as two capital letters, such as SA',
};

export const SHA256: TextForm = {
  pattern: /^[0-9a-f]{64}$/u,
  says: 'a SHA-256 digest as 64 lower-case hexadecimal digits',
};

export const UUID: TextForm = {
  pattern: /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/u,
  says: 'a UUID in lower case, as the ledger gave it',
};

/** A language tag (BCP 47), by its form. */
export const LANGUAGE: TextForm = {
  pattern: /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,7}$/u,
  says: 'a language tag, such as ar or en-GB',
};

/** Media types that CloudEvents reads as JSON (JSON event format, section 3.1): a subtype `json` or one that ends in `+json`. */
export const JSON_MEDIA_TYPE: TextForm = {
  pattern: /^[A-Za-z]{1,32}\/([A-Za-z0-9!#$&^_.+-]{1,127}\+)?[Jj][Ss][Oo][Nn] *(;[\x20-\x7e]*)?$/u,
  says: 'a JSON media type, such as application/json; send binary data elsewhere and refer to it in data.evidence',
};

/** Name of an extension attribute of the envelope. */
export const EXTENSION_NAME = /^[a-z0-9]{1,64}$/u;

/** Longest string that an extension attribute may hold. */
export const MAX_EXTENSION_LENGTH = 8192;

const FORMS: readonly TextForm[] = [
  PLAIN_TEXT,
  UNBROKEN_TEXT,
  CODE,
  REALM,
  SEQUENCE,
  TRACEPARENT,
  COUNTRY,
  SHA256,
  UUID,
  LANGUAGE,
  JSON_MEDIA_TYPE,
];

const saysByPattern = new Map(FORMS.map((form) => [form.pattern.source, form.says]));

/** Patterns that are nothing but "each character is one of these", and how many there may be. */
const EACH_CHARACTER: readonly (readonly [pattern: RegExp, most: number])[] = [
  [PLAIN_TEXT.pattern, Infinity],
  [UNBROKEN_TEXT.pattern, Infinity],
  [CODE.pattern, 128],
  [EXTENSION_NAME, 64],
];

const quickTests = new Map(EACH_CHARACTER.map(([pattern, most]) => [pattern.source, quickTest(pattern, most)]));

/** Ajv tells testers apart by their text. */
export interface TextTester {
  test(text: string): boolean;
  toString(): string;
}

/**
 * Tests texts as a pattern does, in less time where we know the pattern: an event has some thirty texts, and a regular expression
 * costs more to enter than such a text is long.
 */
export function testerOf(pattern: string, flags: string): TextTester {
  return quickTests.get(pattern) ?? new RegExp(pattern, flags);
}

/** Looks the ASCII characters up, and asks the pattern about a text that has others. */
function quickTest(pattern: RegExp, most: number): TextTester {
  const permitted = Array.from({ length: 128 }, (_, code) => pattern.test(String.fromCharCode(code)));
  const test = (text: string): boolean => {
    if (text.length === 0 || text.length > most) return pattern.test(text);
    for (let i = 0; i < text.length; i++) if (permitted[text.charCodeAt(i)] !== true) return pattern.test(text);
    return true;
  };
  return { test, toString: () => String(pattern) };
}

/** The words for a pattern as it stands in a schema. */
export function saysOf(pattern: string): string {
  return saysByPattern.get(pattern) ?? 'in another form; see the schema';
}

/**
 * Length in code points, as JSON Schema counts. class-validator's own length rules leave out variation selectors, so that
 * the two would disagree on an emoji.
 */
export function lengthOf(text: string): number {
  let length = 0;
  for (const _ of text) length++;
  return length;
}

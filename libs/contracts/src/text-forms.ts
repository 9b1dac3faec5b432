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

/** An open word of a producer's own vocabulary. */
export const TOKEN: TextForm = {
  pattern: /^[a-z][a-z0-9_.-]{0,63}$/u,
  says: 'a lower-case word of at most 64 letters, digits, "_", "." and "-", beginning with a letter, such as api',
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

const FORMS: readonly TextForm[] = [PLAIN_TEXT, UNBROKEN_TEXT, TOKEN, COUNTRY, SHA256, UUID, LANGUAGE, JSON_MEDIA_TYPE];

const saysByPattern = new Map(FORMS.map((form) => [form.pattern.source, form.says]));

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

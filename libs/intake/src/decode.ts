import type { FieldError } from '@sijill/contracts';
import { jsonFaults } from './json-faults.js';

const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

/** A JSON value; and what of its text it does not have, see `jsonFaults`: with faults it is not what was sent. */
export interface DecodedJson {
  readonly value: unknown;
  readonly faults: readonly FieldError[];
}

/**
 * Bytes to a JSON value. Invalid UTF-8 is refused rather than replaced: a replaced character would be stored as if it had been
 * sent.
 */
export function decodeJson(bytes: Buffer): DecodedJson | { error: FieldError } {
  let text: string;
  try {
    text = strictUtf8.decode(bytes);
  } catch {
    return { error: { path: '', code: 'invalid_utf8', message: 'not valid UTF-8; encode the JSON text as UTF-8' } };
  }
  try {
    return { value: JSON.parse(text) as unknown, faults: jsonFaults(text) };
  } catch {
    // The parser's own message quotes the text, and the text may be personal.
    return { error: { path: '', code: 'invalid_json', message: 'not valid JSON; it may have been cut short' } };
  }
}

// What a browser has too, so that the verifier is the same there.

/** Text or bytes that are not in the form they should have; the message says what is wrong with them, not what they are. */
export class FormatInvalid extends Error {
  override readonly name: string = 'FormatInvalid';
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function utf8(text: string): Uint8Array {
  return encoder.encode(text);
}

/** @throws FormatInvalid */
export function textOf(bytes: Uint8Array): string {
  try {
    return decoder.decode(bytes);
  } catch {
    throw new FormatInvalid('the bytes are not UTF-8');
  }
}

/** The value of a JSON text. @throws FormatInvalid with this message, when it is none */
export function jsonOf(text: string, message: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new FormatInvalid(message);
  }
}

export function concat(...parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** Standard base64 with padding. RFC 4648, section 4. */
export function toBase64(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return btoa(text);
}

/**
 * The bytes of standard base64 with padding, in its one form: what has unused bits that are set, or white space, is refused.
 *
 * @throws FormatInvalid
 */
export function fromBase64(text: string): Uint8Array {
  // A pattern that counts in fours does not go through a text of megabytes.
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) throw new FormatInvalid('the text is not base64');
  const characters = atob(text);
  const bytes = new Uint8Array(characters.length);
  for (let i = 0; i < bytes.length; i++) bytes[i] = characters.charCodeAt(i);
  if (toBase64(bytes) !== text) throw new FormatInvalid('the base64 text has bits behind its end');
  return bytes;
}

/** Base64url without padding. RFC 4648, section 5. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');
}

/** The bytes of base64url without padding, in its one form. @throws FormatInvalid */
export function fromBase64Url(text: string): Uint8Array {
  if (!/^[\w-]*$/.test(text)) throw new FormatInvalid('the text is not base64url');
  const standard = text.replaceAll('-', '+').replaceAll('_', '/');
  return fromBase64(standard.padEnd(Math.ceil(standard.length / 4) * 4, '='));
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Eight bytes, big-endian. @throws RangeError outside 0 … 2^64 − 1 */
export function uint64(value: bigint): Uint8Array {
  if (value < 0n || value >> 64n !== 0n) throw new RangeError('not an unsigned number of 64 bits');
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, value);
  return bytes;
}

/**
 * A number in the one form that proofs and checkpoints write it in: decimal digits, no sign, no leading zero, below 2^63.
 *
 * @throws FormatInvalid
 */
export function readDecimal(text: string): bigint {
  if (!/^(?:0|[1-9]\d{0,18})$/.test(text)) throw new FormatInvalid('not a decimal number without leading zeros');
  const value = BigInt(text);
  if (value >> 63n !== 0n) throw new FormatInvalid('the number is too large');
  return value;
}

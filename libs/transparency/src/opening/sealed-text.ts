import { concat, fromBase64Url, FormatInvalid, textOf, toBase64Url, utf8 } from '../primitives/bytes.js';
import { sha256 } from '../primitives/crypto.js';

/** A sealed text taken apart: JWE in compact form (RFC 7516; `dir`, `A256GCM`), with a header in one form. */
export interface SealedText {
  /** Of the secret that its key follows from. */
  readonly keyId: string;
  /** What it belongs to. */
  readonly context: string;
  /** What it commits to, in base64url. */
  readonly commitment: string;
  /** What is authenticated beside the text: the header as it stands there. */
  readonly header: Uint8Array;
  readonly iv: Uint8Array;
  /** The encrypted text, and its tag behind it. */
  readonly encrypted: Uint8Array;
}

const HEADER = /^\{"alg":"dir","enc":"A256GCM","kid":"([\w/.-]+)","ctx":"([\w/.-]+)","kc":"([\w-]{43})"\}$/;
const IV_BYTES = 12;
const TAG_BYTES = 16;

/** @throws FormatInvalid */
export function readSealedText(text: string): SealedText {
  const [header = '', none, iv, encrypted, tag, ...more] = text.split('.');
  if (none !== '' || iv === undefined || encrypted === undefined || tag === undefined || more.length > 0)
    throw new FormatInvalid('a sealed text has five parts with dots between, the second of them empty');
  const said = HEADER.exec(textOf(fromBase64Url(header)));
  if (said === null) throw new FormatInvalid('the header of a sealed text is not in its one form');
  const [ivBytes, tagBytes] = [fromBase64Url(iv), fromBase64Url(tag)];
  if (ivBytes.length !== IV_BYTES || tagBytes.length !== TAG_BYTES)
    throw new FormatInvalid('a sealed text has a nonce of 12 bytes and a tag of 16');
  return {
    keyId: said[1]!,
    context: said[2]!,
    commitment: said[3]!,
    header: utf8(header),
    iv: ivBytes,
    encrypted: concat(fromBase64Url(encrypted), tagBytes),
  };
}

/** What a sealed text that has this key commits to. */
export function commitmentOf(key: Uint8Array, blinding: Uint8Array): string {
  return toBase64Url(sha256(concat(utf8('sijill key v2\n'), key, blinding)));
}

/** Opens it with its key; null where it does not open. */
export async function decrypted({ header, iv, encrypted }: SealedText, key: Uint8Array): Promise<Uint8Array | null> {
  // The one AES-GCM that Node and browsers have both; hence the promise.
  const { subtle } = globalThis.crypto;
  const bytes = (of: Uint8Array): Uint8Array<ArrayBuffer> => Uint8Array.from(of);
  const imported = await subtle.importKey('raw', bytes(key), 'AES-GCM', false, ['decrypt']);
  const how = { name: 'AES-GCM', iv: bytes(iv), additionalData: bytes(header), tagLength: 8 * TAG_BYTES };
  try {
    return new Uint8Array(await subtle.decrypt(how, imported, bytes(encrypted)));
  } catch {
    return null;
  }
}

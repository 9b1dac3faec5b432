import { createCipheriv, createDecipheriv, hash } from 'node:crypto';
import { hmacOf, takeRandom, type Hmac } from '@sijill/platform';

/** What sealed parts of one holder are made with: their keys follow from it, so that destroying it destroys all of them. */
export interface Secret {
  /** Names it in every part that it seals. */
  readonly keyId: string;
  /** HMAC-SHA-512 under it. */
  readonly derive: Hmac;
}

/** What opens one sealed part, and shows that it is the right thing: nothing else of its holder's opens with it. */
export interface Opening {
  /** The part's own AES-256-GCM key; any JOSE library opens the text with it. */
  readonly key: Buffer;
  /** What the commitment in the text's header was made with beside the key. */
  readonly blinding: Buffer;
}

/** A sealed text does not open: another key, another place, or changed bytes. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

/** @param secret 32 bytes */
export function secretOf(keyId: string, secret: Buffer): Secret {
  return { keyId, derive: hmacOf('sha512', secret) };
}

// Random nonces, never a counter: a restored snapshot would repeat a counter.
const NONCE_BYTES = 12;
const KEY_BYTES = 32;
const COMMITTED = Buffer.from('sijill key v2\n');

/**
 * Seals a plaintext: AES-256-GCM in JWE compact form (RFC 7516; `dir`, `A256GCM`), under a key of this one text. The header names
 * the secret (`kid`), what the text belongs to (`ctx`), and commits to the key (`kc`, SHA-256 over key and blinding): with GCM alone a
 * text can be made that opens to two things under two keys. Key and blinding are one HMAC-SHA-512 of the context.
 *
 * @param context an entry's id and the part's name, or what else it belongs to; no two texts of one secret have the same, so that
 *   a text moved elsewhere does not open there. Letters, digits, `-`, `_`, `/`, `.`
 */
export function seal(secret: Secret, context: string, plaintext: Buffer | string): string {
  const { key, blinding } = openingOf(secret, context);
  const header = protectedHeader(secret.keyId, context, commitment(key, blinding));
  const iv = takeRandom(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv);
  cipher.setAAD(Buffer.from(header, 'latin1'));
  // As text in and out: for the lengths that entries have, half of a seal's time went into making buffers.
  const text =
    typeof plaintext === 'string'
      ? cipher.update(plaintext, 'utf8', 'base64url')
      : cipher.update(plaintext, undefined, 'base64url');
  return `${header}..${iv.toString('base64url')}.${text}${cipher.final('base64url')}.${cipher.getAuthTag().toString('base64url')}`;
}

/**
 * Opens what `seal` made with the same secret in the same context.
 *
 * @throws SealBroken
 */
export function unseal(secret: Secret, context: string, sealed: string): Buffer {
  const { kid } = headerOf(sealed);
  if (kid !== secret.keyId) throw new SealBroken('the sealed part names another key');
  return openWith(openingOf(secret, context), context, sealed);
}

/** What opens the text that is sealed with a secret in a context. Whoever is given it can open that text and nothing else. */
export function openingOf(secret: Secret, context: string): Opening {
  const derived = Buffer.from(secret.derive(`sijill part v2\n${context}`, 'binary'), 'latin1');
  return { key: derived.subarray(0, KEY_BYTES), blinding: derived.subarray(KEY_BYTES) };
}

/**
 * Opens a text with what was given for it, and holds that against the text's commitment.
 *
 * @throws SealBroken another text's opening, another context, or changed bytes; unused bits of base64 too
 */
export function openWith({ key, blinding }: Opening, context: string, sealed: string): Buffer {
  const { ctx, kc } = headerOf(sealed);
  const [header = '', , iv = '', text = '', tag = ''] = sealed.split('.');
  if (ctx !== context) throw new SealBroken('the sealed part belongs to another place');
  if (kc !== commitment(key, blinding)) throw new SealBroken('the key is not the one that the sealed part commits to');
  try {
    const decipher = createDecipheriv('aes-256-gcm', key, bytesOf(iv), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(header, 'latin1'));
    decipher.setAuthTag(bytesOf(tag));
    return Buffer.concat([decipher.update(bytesOf(text)), decipher.final()]);
  } catch (cause) {
    if (cause instanceof SealBroken) throw cause;
    throw new SealBroken('the sealed part does not open under its key', { cause });
  }
}

/** The id of the secret that a text was sealed with. @throws SealBroken it is no sealed text */
export function keyIdOf(sealed: string): string {
  return headerOf(sealed).kid;
}

/** What a sealed text says that it belongs to. @throws SealBroken it is no sealed text */
export function contextOf(sealed: string): string {
  return headerOf(sealed).ctx;
}

interface Header {
  readonly kid: string;
  readonly ctx: string;
  readonly kc: string;
}

const HEADER = /^\{"alg":"dir","enc":"A256GCM","kid":"([\w/.-]+)","ctx":"([\w/.-]+)","kc":"([\w-]{43})"\}$/;

/** There is one way to write a header, and so one to read it: what differs from it in any byte is none. */
function headerOf(sealed: string): Header {
  const parts = sealed.split('.');
  const header = parts.length === 5 && parts[1] === '' ? HEADER.exec(bytesOf(parts[0]!).toString('latin1')) : null;
  if (header === null) throw new SealBroken('not a sealed part');
  return { kid: header[1]!, ctx: header[2]!, kc: header[3]! };
}

function protectedHeader(keyId: string, context: string, kc: string): string {
  return Buffer.from(
    `{"alg":"dir","enc":"A256GCM","kid":"${keyId}","ctx":"${context}","kc":"${kc}"}`,
    'latin1',
  ).toString('base64url');
}

function commitment(key: Buffer, blinding: Buffer): string {
  return hash('sha256', Buffer.concat([COMMITTED, key, blinding]), 'base64url');
}

/** Base64url in its one form: the bits that no byte uses are zero. */
function bytesOf(text: string): Buffer {
  const bytes = Buffer.from(text, 'base64url');
  if (bytes.toString('base64url') !== text) throw new SealBroken('not base64url in its one form');
  return bytes;
}

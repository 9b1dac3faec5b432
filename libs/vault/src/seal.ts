import { createCipheriv, createDecipheriv, createHmac } from 'node:crypto';
import { takeRandom } from '@sijill/platform';

/**
 * The keys of one holder (a data subject, or a quarantine entry), each derived from the holder's one stored secret, so that
 * destroying the secret destroys all of them.
 */
export interface HolderKeys {
  readonly holderId: string;
  readonly sealing: Buffer;
  readonly digest: Buffer;
}

/** A sealed text does not open: another key, another entry, or changed bytes. */
export class SealBroken extends Error {
  override readonly name = 'SealBroken';
}

export function deriveKeys(holderId: string, secret: Buffer): HolderKeys {
  return {
    holderId,
    sealing: createHmac('sha256', secret).update('sijill seal v1').digest(),
    digest: createHmac('sha256', secret).update('sijill digest v1').digest(),
  };
}

// Random nonces, never a counter: a restored snapshot would repeat a counter.
const NONCE_BYTES = 12;

/**
 * Seals a plaintext for one entry: AES-256-GCM in JWE compact form (RFC 7516; `dir`, `A256GCM`). The protected header names
 * the holder (`kid`) and what it belongs to (`ctx`, an entry id), and both are authenticated, so a sealed part cannot be
 * moved to another entry or another subject.
 */
export function seal(keys: HolderKeys, context: string, plaintext: Buffer | string): string {
  const header = protectedHeader(keys.holderId, context);
  const iv = takeRandom(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', keys.sealing, iv);
  cipher.setAAD(Buffer.from(header, 'ascii'));
  const first = typeof plaintext === 'string' ? cipher.update(plaintext, 'utf8') : cipher.update(plaintext);
  const last = cipher.final();
  const text = last.length === 0 ? first : Buffer.concat([first, last]);
  return `${header}..${iv.toString('base64url')}.${text.toString('base64url')}.${cipher.getAuthTag().toString('base64url')}`;
}

/**
 * Opens what `seal` made for the same holder and context.
 *
 * @throws SealBroken
 */
export function unseal(keys: HolderKeys, context: string, sealed: string): Buffer {
  const [header, wrappedKey, iv, text, tag] = sealed.split('.');
  if (header !== protectedHeader(keys.holderId, context) || wrappedKey !== '' || !iv || text === undefined || !tag) {
    throw new SealBroken('the sealed part belongs to another entry or holder, or is not one');
  }
  try {
    const decipher = createDecipheriv('aes-256-gcm', keys.sealing, Buffer.from(iv, 'base64url'), { authTagLength: 16 });
    decipher.setAAD(Buffer.from(header, 'ascii'));
    decipher.setAuthTag(Buffer.from(tag, 'base64url'));
    return Buffer.concat([decipher.update(Buffer.from(text, 'base64url')), decipher.final()]);
  } catch (cause) {
    throw new SealBroken('the sealed part does not open under its key', { cause });
  }
}

function protectedHeader(holderId: string, context: string): string {
  return Buffer.from(`{"alg":"dir","enc":"A256GCM","kid":"${holderId}","ctx":"${context}"}`).toString('base64url');
}

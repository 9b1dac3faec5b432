import { createCipheriv, createDecipheriv } from 'node:crypto';
import { takeRandom } from '@sijill/platform';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Wraps a secret with a key: AES-256-GCM, as base64url of nonce, text and tag.
 *
 * @param key     32 bytes
 * @param context what it belongs to, so that no row's secret can be put into another row
 */
export function wrap(key: Buffer, context: string, secret: Buffer): string {
  const iv = takeRandom(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(Buffer.from(context));
  return Buffer.concat([iv, cipher.update(secret), cipher.final(), cipher.getAuthTag()]).toString('base64url');
}

/** Unwraps what `wrap` made with the same key in the same context. @throws when it was changed, or belongs elsewhere */
export function unwrap(key: Buffer, context: string, wrapped: string): Buffer {
  const bytes = Buffer.from(wrapped, 'base64url');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE_BYTES), { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(context)).setAuthTag(bytes.subarray(-TAG_BYTES));
  return Buffer.concat([decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()]);
}

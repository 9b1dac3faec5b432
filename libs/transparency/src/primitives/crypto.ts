import { createPrivateKey, createPublicKey, hash, sign, verify, type KeyObject } from 'node:crypto';

const DIGEST_BYTES = 32;

/** SHA-256. */
export function sha256(data: Uint8Array): Uint8Array {
  const digest = new Uint8Array(DIGEST_BYTES);
  sha256Into(data, digest, 0);
  return digest;
}

/** SHA-256 of a text in UTF-8, encoded on the way, which is faster than to make the bytes first. */
export function sha256OfText(text: string): Uint8Array {
  const digest = new Uint8Array(DIGEST_BYTES);
  write(hash('sha256', text, 'binary'), digest, 0);
  return digest;
}

/** SHA-256, written to where it belongs. */
export function sha256Into(data: Uint8Array, target: Uint8Array, at: number): void {
  write(hash('sha256', data, 'binary'), target, at);
}

// Node gives a hash as a Buffer of its own, which takes longer to make than a small hash to compute; as a string of one character a
// byte it is there in a third of the time.
function write(digest: string, target: Uint8Array, at: number): void {
  for (let i = 0; i < DIGEST_BYTES; i++) target[at + i] = digest.charCodeAt(i);
}

// The fixed bytes before the 32 of a key in its DER form. RFC 8410, sections 4 and 7.
const SPKI = Buffer.from('302a300506032b6570032100', 'hex');
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Whether an Ed25519 signature (RFC 8032) is that of the key's owner over the message. Malformed keys and signatures are not. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  try {
    const key = createPublicKey({ key: Buffer.concat([SPKI, publicKey]), format: 'der', type: 'spki' });
    return verify(null, message, key, signature);
  } catch {
    return false;
  }
}

/** An Ed25519 private key, from its 32 bytes. */
export interface SigningKey {
  readonly publicKey: Uint8Array;
  sign(message: Uint8Array): Uint8Array;
}

/** @param seed the 32 bytes of an Ed25519 private key. RFC 8032, section 5.1.5 */
export function signingKey(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError('an Ed25519 private key has 32 bytes');
  const key: KeyObject = createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
  const publicKey = createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(SPKI.length);
  return { publicKey, sign: (message) => sign(null, message, key) };
}

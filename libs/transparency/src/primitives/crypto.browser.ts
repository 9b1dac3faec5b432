import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 as hash } from '@noble/hashes/sha2.js';
import type { SigningKey } from './crypto.js';
import { utf8 } from './bytes.js';

// What crypto.ts does, where there is no Node. Whoever bundles for a browser puts this in its place.

/** SHA-256. */
export function sha256(data: Uint8Array): Uint8Array {
  return hash(data);
}

/** SHA-256 of a text in UTF-8. */
export function sha256OfText(text: string): Uint8Array {
  return hash(utf8(text));
}

/** SHA-256, written to where it belongs. */
export function sha256Into(data: Uint8Array, target: Uint8Array, at: number): void {
  target.set(hash(data), at);
}

/** Whether an Ed25519 signature (RFC 8032) is that of the key's owner over the message. Malformed keys and signatures are not. */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  try {
    return ed25519.verify(signature, message, publicKey, { zip215: false });
  } catch {
    return false;
  }
}

/** @param seed the 32 bytes of an Ed25519 private key. RFC 8032, section 5.1.5 */
export function signingKey(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError('an Ed25519 private key has 32 bytes');
  return { publicKey: ed25519.getPublicKey(seed), sign: (message) => ed25519.sign(message, seed) };
}

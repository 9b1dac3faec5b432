import { ed25519 } from '@noble/curves/ed25519.js';
import { sha256 as hash, sha512 } from '@noble/hashes/sha2.js';
import type { SigningKey } from './crypto.js';
import { concat, sameBytes, toHex, utf8 } from './bytes.js';

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

/**
 * Whether an Ed25519 signature is that of the key's owner over the message: by the equation S·B = R + k·A itself, as Node does it.
 * RFC 8032, section 5.1.7, also allows that equation times 8, which this library takes; the owner of a key can make signatures that
 * hold by the one and not by the other, and two verifiers would then say two things of one proof.
 */
export function ed25519Verify(publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (publicKey.length !== 32 || signature.length !== 64) return false;
  const r = signature.slice(0, 32);
  const s = littleEndian(signature.slice(32));
  if (s >= ORDER) return false;
  let key: InstanceType<typeof Point>;
  try {
    key = Point.fromBytes(publicKey, true);
  } catch {
    return false;
  }
  const k = littleEndian(sha512(concat(r, publicKey, message))) % ORDER;
  return sameBytes(Point.BASE.multiplyUnsafe(s).subtract(key.multiplyUnsafe(k)).toBytes(), r);
}

const { Point } = ed25519;
const ORDER = Point.Fn.ORDER;

function littleEndian(bytes: Uint8Array): bigint {
  return BigInt(`0x${toHex(bytes.reverse())}`);
}

/** @param seed the 32 bytes of an Ed25519 private key. RFC 8032, section 5.1.5 */
export function signingKey(seed: Uint8Array): SigningKey {
  if (seed.length !== 32) throw new RangeError('an Ed25519 private key has 32 bytes');
  return { publicKey: ed25519.getPublicKey(seed), sign: (message) => ed25519.sign(message, seed) };
}

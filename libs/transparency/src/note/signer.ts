import { signingKey, type SigningKey } from '../primitives/crypto.js';

/** One Ed25519 key, wherever it is kept: in this process, behind a program, on another machine. */
export interface Signer {
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
  /**
   * Signs a message.
   *
   * @returns 64 bytes. RFC 8032, section 5.1.6
   */
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/** A key at hand. @param seed the 32 bytes of an Ed25519 private key */
export function signerOf(seed: Uint8Array): Signer {
  const { publicKey, sign } = signingKey(seed);
  return { publicKey, sign: (message) => Promise.resolve(sign(message)) };
}

/** Has a key sign, and makes of the signature what is wanted: at once with a key at hand, with others once it is there. */
export function signedBy<T>(
  key: SigningKey | Signer,
  message: Uint8Array,
  made: (signature: Uint8Array) => T,
): T | Promise<T> {
  const signature = key.sign(message);
  return signature instanceof Promise ? signature.then(made) : made(signature);
}

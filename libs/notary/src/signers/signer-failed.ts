/**
 * A key cannot be signed with now. The message says which and why, and repeats nothing of what the signer itself has said: that may
 * hold secrets.
 */
export class SignerFailed extends Error {
  override readonly name: string = 'SignerFailed';
}

/** There is no key in a file, or none that can be used; the message says what to do. */
export class KeyFileUnusable extends SignerFailed {
  override readonly name = 'KeyFileUnusable';
}

/** The keyring cannot be used; the message says what to do. */
export class KeyringUnusable extends Error {
  override readonly name = 'KeyringUnusable';
}

/** Where a keyring lies, as one text. */
export interface KeyringPlace {
  /** In a sentence, behind "the keyring": `at /run/secrets/keyring.json`. */
  readonly where: string;
  /**
   * What lies there; null when nothing does.
   *
   * @throws KeyringUnusable | DatabaseUnavailable it cannot be looked at
   */
  get(): Promise<string | null>;
  /**
   * Puts a text there, whole or not at all; durable when it returns. Whoever changes a keyring holds the vault's lock, so that the place has
   * to keep apart only those who make the first one.
   *
   * @param instead what lies there now, null for nothing
   * @returns false, and nothing is put, when something else lies there
   * @throws KeyringUnusable | DatabaseUnavailable it cannot be written to
   */
  put(text: string, instead: string | null): Promise<boolean>;
}

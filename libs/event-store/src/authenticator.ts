import { hmacOf } from '@sijill/platform';

/**
 * Tells entries that this ledger has written from all others. Made by the process that writes one; the key is in the ledger's keyring,
 * so that whoever can write to the store and has no keyring cannot make one.
 */
export interface EntryAuthenticator {
  /** Which key it is made with: letters, digits, `-`, `_`, `.` and `/`, at most 64. */
  readonly keyId: string;
  /** HMAC-SHA256 in base64url. */
  mac(text: string): string;
  /** Whether the mac is that of the text, under a key that this ledger has or had. */
  verifies(keyId: string, text: string, mac: string): boolean;
  /** Whether the id can be one, and its key is not here. */
  lacks(keyId: string): boolean;
  /**
   * Looks for keys that events name and that are not here, before these events count as foreign. Anybody who can write to the store can
   * name a key: only what the ledger has on a list of its own is missed.
   *
   * @returns whether one of them is here now
   * @throws  the ledger has one of them, and this process cannot get it
   */
  seek(keyIds: readonly string[]): Promise<boolean>;
}

/** Keys by their ids. */
type Keys = Readonly<Record<string, Uint8Array>>;

export interface AuthenticatorOptions {
  readonly current: string;
  readonly keys: Keys;
  /** Gives the keys that there are by now. @throws the ledger has one of those that are asked for, and it is not to be had */
  readonly keysNow?: (missing: readonly string[]) => Promise<Keys>;
}

const KEY_ID = /^[\w./-]{1,64}$/;

/** @throws RangeError an id that cannot be one, or a current key that is not among them */
export function entryAuthenticator({ current, keys, keysNow }: AuthenticatorOptions): EntryAuthenticator {
  const hmacs = new Map(Object.entries(keys).map(([id, key]) => [id, hmacOf('sha256', key)]));
  const hmac = hmacs.get(current);
  if (hmac === undefined) throw new RangeError(`there is no authenticator key ${current}`);
  for (const id of hmacs.keys()) if (!KEY_ID.test(id)) throw new RangeError(`${JSON.stringify(id)} is no key's id`);
  return {
    keyId: current,
    mac: (text) => hmac(text, 'base64url'),
    verifies: (keyId, text, given) => hmacs.get(keyId)?.(text, 'base64url') === given,
    lacks: (keyId) => KEY_ID.test(keyId) && !hmacs.has(keyId),
    seek: async (keyIds) => {
      const now = await keysNow?.(keyIds);
      for (const [id, key] of Object.entries(now ?? {})) if (!hmacs.has(id)) hmacs.set(id, hmacOf('sha256', key));
      return keyIds.some((id) => hmacs.has(id));
    },
  };
}

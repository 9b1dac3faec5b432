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
}

const KEY_ID = /^[\w./-]{1,64}$/;

/** @throws RangeError an id that cannot be one, or a current key that is not among them */
export function entryAuthenticator({
  current,
  keys,
}: {
  readonly current: string;
  readonly keys: Readonly<Record<string, Uint8Array>>;
}): EntryAuthenticator {
  const hmacs = new Map(Object.entries(keys).map(([id, key]) => [id, hmacOf('sha256', key)]));
  const hmac = hmacs.get(current);
  if (hmac === undefined) throw new RangeError(`there is no authenticator key ${current}`);
  for (const id of hmacs.keys()) if (!KEY_ID.test(id)) throw new RangeError(`${JSON.stringify(id)} is no key's id`);
  return {
    keyId: current,
    mac: (text) => hmac(text, 'base64url'),
    verifies: (keyId, text, given) => hmacs.get(keyId)?.(text, 'base64url') === given,
  };
}

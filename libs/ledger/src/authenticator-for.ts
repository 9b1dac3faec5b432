import { entryAuthenticator, type EntryAuthenticator } from '@sijill/event-store';
import type { Config } from '@sijill/platform';
import { findKeyring, keyringPlaceOf, type Keyring, type Vault } from '@sijill/vault';

/**
 * What tells the entries of a ledger from those of others.
 *
 * @param vault says which keys the ledger has, so that one that the keyring lacks is missed, and one that somebody made up is not. Without
 *   it what names a key that is not here is foreign.
 */
export function authenticatorOf(
  keyring: Keyring,
  vault?: Pick<Vault, 'refuseWithoutAuthenticators'>,
): EntryAuthenticator {
  const keys = (): Record<string, Uint8Array> => Object.fromEntries(keyring.authenticator.keys);
  return entryAuthenticator({
    current: keyring.authenticator.current,
    keys: keys(),
    keysNow: async (missing) => {
      await vault?.refuseWithoutAuthenticators(missing);
      return keys();
    },
  });
}

/** The same, for whoever checks a ledger and may have its keyring; null where there is none. @throws KeyringUnusable */
export async function authenticatorFor({ keyring }: Config): Promise<EntryAuthenticator | null> {
  const found = await findKeyring(keyringPlaceOf(keyring));
  return found === null ? null : authenticatorOf(found);
}

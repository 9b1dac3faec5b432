import { entryAuthenticator, type EntryAuthenticator } from '@sijill/event-store';
import type { Config } from '@sijill/platform';
import { findKeyring, keyringPlaceOf, type Keyring } from '@sijill/vault';

/** What tells the entries of a ledger from those of others. */
export function authenticatorOf({ authenticator: { current, keys } }: Keyring): EntryAuthenticator {
  return entryAuthenticator({ current, keys: Object.fromEntries(keys) });
}

/** The same, for whoever checks a ledger and may have its keyring; null where there is none. @throws KeyringUnusable */
export async function authenticatorFor({ keyring }: Config): Promise<EntryAuthenticator | null> {
  const found = await findKeyring(keyringPlaceOf(keyring));
  return found === null ? null : authenticatorOf(found);
}

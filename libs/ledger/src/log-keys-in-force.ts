import { existsSync } from 'node:fs';
import { authenticStore } from '@sijill/event-store';
import { inForce, keyHistory, type LogKey } from '@sijill/notary';
import type { Config, Logger } from '@sijill/platform';
import { findKeyring, keyringPlaceOf } from '@sijill/vault';
import { authenticatorOf } from './authenticator-for.js';
import { openStore } from './open-store.js';

/**
 * The keys that a ledger's log is to be signed with by what it has announced, for whoever looks and makes nothing; none where it has
 * announced none yet, or nobody could tell since there is no keyring.
 *
 * @throws KeyringUnusable | KeysNotAnnounced | StoreUnavailable
 */
export async function logKeysInForce(config: Config, logger: Logger): Promise<LogKey[]> {
  const { eventStore } = config;
  if (eventStore.kind === 'embedded' && !existsSync(eventStore.file)) return [];
  const keyring = await findKeyring(keyringPlaceOf(config.keyring));
  if (keyring === null) return [];
  const store = authenticStore(await openStore(config, logger), authenticatorOf(keyring));
  try {
    return inForce(await keyHistory(store, config.logOrigin ?? keyring.logName));
  } finally {
    await store.close();
  }
}

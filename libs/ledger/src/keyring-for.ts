import type { KeylessStore } from '@sijill/event-store';
import { isoTime, type Clock, type Config, type Logger } from '@sijill/platform';
import { findKeyring, keyringPlaceOf, KeyringUnusable, makeKeyring, vaultExists, type Keyring } from '@sijill/vault';
import { NoLedger } from './no-ledger.js';
import { sqlTarget } from './sql-target.js';

/**
 * The keyring of this ledger. A new one is made on the very first start in development only: where anything was ever sealed, a
 * new keyring would turn one that is missing into lost data.
 *
 * @param mayBeMade whether one is made then
 * @throws NoLedger | KeyringUnusable | DatabaseUnavailable
 */
export async function keyringFor(
  config: Config,
  store: KeylessStore,
  clock: Clock,
  logger: Logger,
  mayBeMade: boolean,
): Promise<Keyring> {
  const place = keyringPlaceOf(config.keyring);
  const found = await findKeyring(place);
  if (found !== null) return found;
  const ledgerExists = (await store.head()) > 0 || (await vaultExists(sqlTarget(config, 'vault')));
  if (ledgerExists) {
    throw new KeyringUnusable(
      `the keyring ${place.where} is missing, and a ledger exists that was sealed with it. Put it back from its backup, or set ` +
        'SIJILL_KEYRING_FILE or SIJILL_KEYRING to where it lies. No new one is made: with another keyring nothing in the ledger could ever be opened',
    );
  }
  if (!mayBeMade) throw new NoLedger(config);
  if (config.mode === 'production') {
    throw new KeyringUnusable(
      `there is no keyring ${place.where}, and in production none is made silently. Make one with "sijill keys keyring --out FILE", ` +
        'keep a backup apart from the ledger, and set SIJILL_KEYRING_FILE, or put it where SIJILL_KEYRING says',
    );
  }
  const keyring = await makeKeyring(place, isoTime(clock.now()));
  logger.warn({ keyring: place.where }, 'a new keyring was made; keep a backup of it apart from the ledger');
  return keyring;
}

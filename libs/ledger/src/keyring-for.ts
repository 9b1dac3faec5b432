import { existsSync } from 'node:fs';
import type { KeylessStore } from '@sijill/event-store';
import { isoTime, type Clock, type Config, type Logger } from '@sijill/platform';
import { createKeyring, KeyringUnusable, readKeyring, vaultExists, type Keyring } from '@sijill/vault';
import { sqlTarget } from './sql-target.js';

/**
 * The keyring of this ledger. A new one is made on the very first start in development only: where anything was ever sealed, a
 * new keyring would turn a missing file into lost data.
 *
 * @throws KeyringUnusable
 */
export async function keyringFor(config: Config, store: KeylessStore, clock: Clock, logger: Logger): Promise<Keyring> {
  const file = config.keyringFile;
  if (existsSync(file)) return readKeyring(file);
  const ledgerExists = (await store.head()) > 0 || (await vaultExists(sqlTarget(config, 'vault')));
  if (ledgerExists) {
    throw new KeyringUnusable(
      `the keyring ${file} is missing, and a ledger exists that was sealed with it. Put the file back from its backup, or point ` +
        'SIJILL_KEYRING_FILE at it. No new one is made: with another keyring nothing in the ledger could ever be opened',
    );
  }
  if (config.mode === 'production') {
    throw new KeyringUnusable(
      `there is no keyring at ${file}, and in production none is made silently. Make one with "sijill keys keyring --out FILE", ` +
        'keep a backup apart from the ledger, and set SIJILL_KEYRING_FILE',
    );
  }
  const keyring = createKeyring(file, isoTime(clock.now()), 'take what another process has made');
  logger.warn({ file }, 'a new keyring was made; keep a backup of it apart from the ledger');
  return keyring;
}

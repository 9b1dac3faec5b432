// Makes new keys of a ledger's keyring, one kind after the other, and drops what nothing needs, until it is killed. See
// test/faults/keyring-killed.
import { setTimeout as pause } from 'node:timers/promises';
import { sqlTarget } from '@sijill/ledger';
import { clockOf, parseConfig } from '@sijill/platform';
import { keyringIn, keyringPlaceOf, KeyNeeded, ROTATED_KEYS, Vault } from '@sijill/vault';

const config = parseConfig(process.env);
const keyring = await keyringIn(keyringPlaceOf(config.keyring));
const vault = await Vault.open(sqlTarget(config, 'vault'), keyring, clockOf(config), config.defaultRegion, 100);
// Whoever writes to SQLite without a pause keeps everybody else out.
const letOthersIn = (): Promise<void> => pause(20);
process.send!('ready');
for (;;) {
  for (const keys of ROTATED_KEYS) {
    await vault.rotate(keys);
    await letOthersIn();
    await vault.secrets.rewrap(letOthersIn);
    await vault.directory.reindex(letOthersIn);
    for (const id of keyring[keys].keys.keys()) {
      await letOthersIn();
      await vault.dropKey(id).catch((error: unknown) => {
        if (!(error instanceof KeyNeeded)) throw error;
      });
    }
  }
}

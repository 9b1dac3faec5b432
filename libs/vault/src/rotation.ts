import { boundUnder } from './directory/reindex.js';
import { KeyringUnusable } from './keyring-places/index.js';
import { ROTATED_KEYS, type Keyring, type RotatedKeys } from './keyring.js';
import type { Secrets } from './secrets.js';
import type { VaultChange, VaultSql } from './vault-sql.js';

/** Something in the vault still needs a key that was to be dropped. Nothing was changed. */
export class KeyNeeded extends Error {
  override readonly name = 'KeyNeeded';
}

/**
 * Brings the vault to a new key of the keyring; every process takes it up with its next look. One that the keyring has and the vault was
 * never brought to is taken: a rotation was cut short between the two, or the keyring was changed where it is kept.
 *
 * @returns the key's id
 * @throws KeyringUnusable | DatabaseUnavailable the keyring cannot be written
 */
export function rotateKey(vault: VaultSql, keyring: Keyring, name: RotatedKeys): Promise<string> {
  return vault.change(async ({ before, bringTo }) => {
    await keyring.reread();
    const known = before[name].split(',');
    const id = known.includes(keyring[name].current) ? await keyring.add(name) : keyring[name].current;
    bringTo({ [name]: name === 'index' ? [id, ...known].join(',') : id });
    return id;
  });
}

/**
 * Takes a key out of the keyring that nothing in the vault needs: what an old copy of the vault holds does not open from then on.
 *
 * @throws KeyNeeded | KeyringUnusable | DatabaseUnavailable
 */
export function dropKey(vault: VaultSql, keyring: Keyring, secrets: Secrets, id: string): Promise<void> {
  return vault.change(async (change) => {
    await keyring.reread();
    const name = ROTATED_KEYS.find((each) => keyring[each].keys.has(id));
    if (name === undefined) {
      const known = ROTATED_KEYS.flatMap((each) => [...keyring[each].keys.keys()]);
      throw new KeyringUnusable(`the keyring has no key ${id} that can be dropped; it has ${known.join(', ')}`);
    }
    if (id === keyring[name].current || id === change.before[name].split(',')[0])
      throw new KeyNeeded(
        `${id} is the ${WORDS[name].key} that is used now; make another first: sijill keys keyring rotate ${name}`,
      );
    const needing = await needingOf(name, change, secrets, id);
    if (needing > 0)
      throw new KeyNeeded(
        `${id} is still needed by ${needing} of the vault's ${WORDS[name].needing}; ${WORDS[name].cure}`,
      );
    await keyring.drop(name, id);
  });
}

const RESUME = 'servers bring them to the current one by themselves, and so does: sijill keys keyring rotate --resume';
const WORDS = {
  wrapping: { key: 'wrapping key', needing: 'keys', cure: RESUME },
  index: { key: 'index key', needing: 'identifiers', cure: RESUME },
  tags: { key: 'tag key', needing: 'quarters', cure: 'their keys are destroyed SIJILL_TAG_DAYS after their end' },
} as const;

async function needingOf(
  name: RotatedKeys,
  { trx, before }: VaultChange,
  secrets: Secrets,
  id: string,
): Promise<number> {
  switch (name) {
    case 'wrapping':
      return secrets.wrappedBy([id], trx);
    case 'index':
      // As long as it is asked for it is needed, whether or not anything is left under it.
      return before.index.split(',').includes(id) ? Math.max(1, await boundUnder(trx, id)) : 0;
    case 'tags': {
      const rows = await trx.selectFrom('vault_key').select('holder').where('holder', 'like', `tags/%/${id}`).execute();
      return rows.length;
    }
  }
}

import { Access, administrator, type Reader } from '@sijill/access';
import { sqlTarget } from '@sijill/ledger';
import { clockOf } from '@sijill/platform';
import { commandConfig } from './with-ledger.js';

/**
 * Opens keys and producers of the ledger of the environment for one command, and closes them behind it. Works with the server
 * running or not, and before the first start: what it changes becomes entries as soon as any process has the store open.
 */
export async function withAccess<T>(work: (access: Access, by: Reader) => Promise<T>): Promise<T> {
  const config = commandConfig();
  const access = await Access.open(sqlTarget(config, 'access'), config, clockOf(config));
  try {
    return await work(access, await administrator(access.keys, process.env));
  } finally {
    await access.close();
  }
}

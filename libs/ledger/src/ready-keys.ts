import { existsSync } from 'node:fs';
import {
  createKeyFile,
  inForce,
  KeyFileUnusable,
  KeysNotAnnounced,
  placeOfKey,
  readKeyFile,
  signingKeysAt,
  type LogKeys,
} from '@sijill/notary';
import type { Clock, Config, Logger, SignerAddress } from '@sijill/platform';
import type { Signer } from '@sijill/transparency';

/** A key that a role of this process signs with. */
interface NeededKey {
  readonly of: 'log' | 'witness';
  readonly address: SignerAddress;
  readonly generation: number;
  /** Nothing was signed with it, nor announced: only then may one be made, and only in development. */
  readonly isNew: boolean;
}

/**
 * That the keys which the log has announced are here, for a process that is to sign it, as far as they are in files: what is elsewhere may
 * be away for a while, and is waited for. A key to begin with is made on the very first start in development.
 *
 * @throws KeyFileUnusable
 */
export async function readyLogKeys(config: Config, keys: LogKeys, clock: Clock, logger: Logger): Promise<void> {
  const { logSigner: address } = config;
  let generations: number[];
  try {
    generations = inForce(await keys.all()).map(({ generation }) => generation);
  } catch (error) {
    if (!(error instanceof KeysNotAnnounced)) throw error;
    // The notary refuses, and says so; everything else can be served.
    return;
  }
  const isNew = generations.length === 0 && !(await keys.hasSigned());
  for (const generation of isNew ? [1] : generations)
    readyKeyFile(config, { of: 'log', address, generation, isNew }, clock, logger);
}

/** That a key is here, if it is in a file. @throws KeyFileUnusable */
export function readyKeyFile(
  { mode }: Pick<Config, 'mode'>,
  { of, address, generation, isNew }: NeededKey,
  clock: Clock,
  logger: Logger,
): void {
  const place = placeOfKey(address, generation);
  if (place.kind !== 'file') return;
  const { file } = place;
  const variable = of === 'log' ? 'SIJILL_LOG_SIGNER' : 'SIJILL_WITNESS_SIGNER';
  if (!existsSync(file)) {
    if (!isNew)
      throw new KeyFileUnusable(
        `there is no key at ${file}, and this ${of} has signed with it. Put it there from its backup, or let ${variable} say where it is. ` +
          'No new one is made: what is signed with another would not be believed',
      );
    if (mode === 'production')
      throw new KeyFileUnusable(
        `there is no key at ${file} for this ${of} to sign with, and in production none is made silently. Make one with ` +
          `"sijill keys signing --out ${file}", keep a backup apart from the ledger, or let ${variable} say what else signs`,
      );
    if (createKeyFile(file, clock.now()))
      logger.warn({ file }, `a new key of the ${of} was made; keep a backup of it apart from the ledger`);
  }
  readKeyFile(file);
}

/**
 * What receipts are signed with: made where there is none, in development. Without it none are given, in production too, and everything
 * else is as it was: a new one is announced beside those before it.
 *
 * @throws SignerFailed
 */
export async function receiptSigner(
  { mode, receiptSigner: address }: Pick<Config, 'mode' | 'receiptSigner'>,
  clock: Clock,
  logger: Logger,
): Promise<Signer> {
  const keys = signingKeysAt(address, clock);
  if (mode === 'production' || address.kind !== 'file' || existsSync(address.file)) return keys.key(1);
  logger.warn({ file: address.file }, 'a new key for receipts is made');
  return keys.newKey(1);
}

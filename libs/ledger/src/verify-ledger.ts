import { existsSync } from 'node:fs';
import { LogStore, verifyStore, type RangeChecked, type StoreVerified } from '@sijill/notary';
import { DatabaseUnavailable, type Config, type Logger } from '@sijill/platform';
import type { Trust } from '@sijill/transparency';
import { openStore } from './open-store.js';
import { sqlTarget } from './sql-target.js';
import { Hand } from './thread-hand.js';
import type { VerifyTask } from './verify-thread.js';

export interface VerifyLedgerOptions {
  readonly trust: Trust;
  /** Checkpoints kept elsewhere, signed notes. */
  readonly kept: readonly string[];
  /** How many threads compare: as many as there are cores, as a rule. */
  readonly threads: number;
  readonly fromTile: number;
  readonly onProgress: (leaves: number, size: number, tiles: number) => void;
}

/**
 * Compares a whole ledger with what was signed over it, on several cores; see `verifyStore`. It opens the store and the log, not
 * the vault: no key is needed but the one that verifies. Works beside a running server.
 *
 * @throws StoreUnavailable | DatabaseUnavailable
 */
export async function verifyLedger(
  config: Config,
  logger: Logger,
  { threads, ...options }: VerifyLedgerOptions,
): Promise<StoreVerified> {
  for (const part of [config.eventStore.kind === 'embedded' ? config.eventStore.file : null, logFile(config)])
    if (part !== null && !existsSync(part))
      throw new DatabaseUnavailable(`there is no ${part}; nothing was signed here`);
  const store = await openStore(config, logger);
  const log = await LogStore.open(sqlTarget(config, 'notary'));
  const makeHand = (): Hand<VerifyTask, RangeChecked> =>
    new Hand(new URL('./verify-thread.js', import.meta.url), config);
  const hands = Array.from({ length: threads }, makeHand);
  const free = [...hands];
  try {
    return await verifyStore(store, log, {
      ...options,
      hands: threads,
      check: async (range, size) => {
        const hand = free.pop()!;
        const checked = await hand.do({ range, size });
        free.push(hand);
        return checked;
      },
    });
  } finally {
    await Promise.all(hands.map((hand) => hand.dismiss()));
    await log.close();
    await store.close();
  }
}

function logFile(config: Config): string | null {
  const target = sqlTarget(config, 'notary');
  return target.kind === 'sqlite' ? target.file : null;
}

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '@sijill/event-store';
import { LogStore, MapStore, verifyStore, type RangeChecked, type Reached, type StoreVerified } from '@sijill/notary';
import { DatabaseUnavailable, type Config, type Logger } from '@sijill/platform';
import type { Trust } from '@sijill/transparency';
import { authenticatorFor } from './authenticator-for.js';
import { openStore } from './open-store.js';
import { sqlTarget } from './sql-target.js';
import type { ThreadAnswer, ThreadTask } from './verify-thread.js';

export interface VerifyLedgerOptions {
  readonly trust: Trust;
  /** Checkpoints kept elsewhere, signed notes. */
  readonly kept: readonly string[];
  /** How many threads compare: as many as there are cores, as a rule. */
  readonly threads: number;
  /** What an earlier run has noted of how far it came, or whatever is found where that is kept; null: begin at the first entry. */
  readonly note: unknown;
  readonly onProgress: (leaves: number, size: number, reached: Reached) => void;
  readonly onMapProgress: (leaves: number, size: number) => void;
}

export interface LedgerVerified extends StoreVerified {
  /** Whether the codes were checked by which the ledger tells its own entries from others: there was a keyring. */
  readonly codesChecked: boolean;
}

/**
 * Compares a whole ledger with what was signed over it, on several cores; see `verifyStore`. It opens the store and the log, not
 * the vault: no key is needed but the one that verifies. Where the ledger's keyring is at hand, the codes over its entries are checked
 * too. Works beside a running server.
 *
 * @throws StoreUnavailable | DatabaseUnavailable | KeyringUnusable
 */
export async function verifyLedger(
  config: Config,
  logger: Logger,
  { threads, ...options }: VerifyLedgerOptions,
): Promise<LedgerVerified> {
  for (const part of [config.eventStore.kind === 'embedded' ? config.eventStore.file : null, logFile(config)])
    if (part !== null && !existsSync(part))
      throw new DatabaseUnavailable(`there is no ${part}; nothing was signed here`);
  const codesChecked = (await authenticatorFor(config)) !== null;
  const store = await openStore(config, logger);
  const log = await LogStore.open(sqlTarget(config, 'notary'));
  const maps = await MapStore.open(sqlTarget(config, 'subject-map'));
  const hands = Array.from({ length: threads }, () => new Hand(config));
  const free = [...hands];
  try {
    const verified = await verifyStore(store, log, {
      ...options,
      maps,
      hands: threads,
      check: async (range, size) => {
        const hand = free.pop()!;
        const checked = await hand.check({ range, size });
        free.push(hand);
        return checked;
      },
    });
    return { ...verified, codesChecked };
  } finally {
    await Promise.all(hands.map((hand) => hand.dismiss()));
    await maps.close();
    await log.close();
    await store.close();
  }
}

function logFile(config: Config): string | null {
  const target = sqlTarget(config, 'notary');
  return target.kind === 'sqlite' ? target.file : null;
}

/** A thread that compares one range at a time. */
class Hand {
  private readonly thread: Worker;
  private readonly broken: Promise<never>;

  constructor(config: Config) {
    this.thread = new Worker(new URL('./verify-thread.js', import.meta.url), { workerData: config });
    this.broken = once(this.thread, 'error').then(([error]) => {
      throw new StoreUnavailable((error as Error).message, { cause: error });
    });
    this.broken.catch(() => undefined);
  }

  async check(task: ThreadTask): Promise<RangeChecked> {
    this.thread.postMessage(task);
    const [answer] = (await Promise.race([once(this.thread, 'message'), this.broken])) as [ThreadAnswer];
    if ('failure' in answer) throw new StoreUnavailable(answer.failure);
    return answer.checked;
  }

  async dismiss(): Promise<void> {
    this.thread.postMessage(null);
    await Promise.race([once(this.thread, 'exit'), this.broken]).catch(() => undefined);
  }
}

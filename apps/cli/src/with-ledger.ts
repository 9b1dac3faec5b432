import { createLogger, parseConfig, type Config } from '@sijill/platform';
import { openLedger, type Ledger } from '@sijill/ledger';

/**
 * Opens the ledger of the environment for one command, and closes it behind it. Works beside a running server: the store, the
 * vault and the read models take several processes.
 */
export async function withLedger<T>(work: (ledger: Ledger) => Promise<T>): Promise<T> {
  const config = commandConfig();
  const ledger = await openLedger(config, { logger: createLogger(config.logLevel), ownLane: 'ledger-command' });
  try {
    return await work(ledger);
  } finally {
    await ledger.close();
  }
}

/** A command talks to its user itself; of the log only what went wrong is shown, unless asked for. */
export function commandConfig(): Config {
  const level = process.env['SIJILL_LOG_LEVEL'] ?? 'error';
  return parseConfig({ ...process.env, SIJILL_LOG_LEVEL: level });
}

/** How a command signs what it reads and writes in the ledger. */
export const COMMAND_READER = { keyId: null, name: 'command line', roles: ['operator'] } as const;

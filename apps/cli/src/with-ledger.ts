import { actingPrincipal, type ActingReader, type Role } from '@sijill/access';
import { createLogger, parseConfig, type Config } from '@sijill/platform';
import { LANES } from '@sijill/event-store';
import { openLedger, type Ledger, type LedgerOptions } from '@sijill/ledger';

export type { Reader } from '@sijill/access';

/**
 * Opens the ledger of the environment for one command, and closes it behind it. Works beside a running server: the store, the
 * vault and the read models take several processes. In a wrong folder everybody would be "nobody": so none is made here, unless
 * the command brings something in.
 *
 * @throws NoLedger, and what opening one throws
 */
export async function withLedger<T>(
  work: (ledger: Ledger) => Promise<T>,
  { mayBeNew = false }: Pick<LedgerOptions, 'mayBeNew'> = {},
): Promise<T> {
  const config = commandConfig();
  const logger = createLogger(config.logLevel);
  const ledger = await openLedger(config, { logger, ownLane: LANES.command, mayBeNew });
  try {
    const done = await work(ledger);
    // What the command has decided becomes entries now, though no server may run for a long time.
    await ledger.outboxes.drain().catch((err: unknown) => {
      logger.warn({ err }, 'what was decided waits to be an entry, until the next server or command');
    });
    return done;
  } finally {
    await ledger.close();
  }
}

/** A command talks to its user itself; of the log only what went wrong is shown, unless asked for. */
export function commandConfig(): Config {
  const level = process.env['SIJILL_LOG_LEVEL'] ?? 'error';
  return parseConfig({ ...process.env, SIJILL_LOG_LEVEL: level });
}

/**
 * Who reads or changes something by a command about people: the holder of the key in `SIJILL_KEY`; in development, without one,
 * the command line itself.
 *
 * @param anyOf roles of which the key needs one
 * @throws ActingRefused
 */
export function commandReader(
  { config, keys }: Pick<Ledger, 'config' | 'keys'>,
  anyOf: readonly Role[] = ['officer'],
): Promise<ActingReader> {
  return actingPrincipal(config, keys, process.env, anyOf);
}

import type { Command } from 'commander';
import { inspectLedger, type LedgerShown, type PartShown } from '@sijill/ledger';
import { createLogger } from '@sijill/platform';
import { printAnswer, table } from '../terminal/print.js';
import { commandConfig } from '../with-ledger.js';

export function addLedger(program: Command): void {
  const ledger = program
    .command('ledger')
    .summary('show which ledger this is')
    .description(
      'A ledger is a store, a vault, a database, a log and a keyring, all of which carry its id and know how far the others were.',
    )
    .addHelpText('after', '\nExample:\n  $ sijill ledger show');

  ledger
    .command('show')
    .summary('show whose store, vault, database and log these are')
    .description(
      'Shows of each part which ledger it is of, and the last entry of the store that it knows of, by its position. Changes nothing. Where ' +
        'they do not belong together it says so, and what to do.',
    )
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExit codes: 0 all are of one ledger and as far as each other, 2 or 3 they are not: the message says why.\n\nExample:\n  $ sijill ledger show',
    )
    .action(async (options: { json?: boolean }) => {
      const config = commandConfig();
      const { shown, fault } = await inspectLedger(config, createLogger(config.logLevel));
      printAnswer(options.json === true, shown, () => rowsOf(shown));
      if (fault !== null) throw fault;
    });
}

function rowsOf({ ledgerId, ...parts }: LedgerShown): string {
  const rows = Object.entries(parts).map(([name, part]) => [name, ...cellsOf(part)]);
  return table(['part', 'ledger', 'position'], [['keyring', ledgerId, ''], ...rows]);
}

function cellsOf({ id, position }: PartShown): string[] {
  return [id ?? 'none yet', position === null ? '' : String(position)];
}

import type { Command } from 'commander';
import { actingPrincipal } from '@sijill/access';
import { acceptLoss, inspectLedger, type LedgerShown, type LossAccepted, type PartShown } from '@sijill/ledger';
import { createLogger } from '@sijill/platform';
import { WrongUse } from '../exit-codes.js';
import { printAnswer, table } from '../terminal/print.js';
import { progressBar, type Progress } from '../terminal/progress.js';
import { commandConfig } from '../with-ledger.js';

export function addLedger(program: Command): void {
  const ledger = program
    .command('ledger')
    .summary('show which ledger this is, and go on behind a loss')
    .description(
      'A ledger is a store, a vault, a database, a log and a keyring, all of which carry its id and know how far the others were.',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill ledger show\n  $ sijill ledger accept-loss --reason "both disks of the store failed, ticket 4711"',
    );

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

  ledger
    .command('accept-loss')
    .summary('go on behind what is really lost, on record')
    .description(
      'For data that will not come back: the end of the event store, or an older vault, older keys or an older log that is the newest there ' +
        'is. Finds what is lost, writes an entry that says what, who accepted it and why, and brings all parts to where the store is. Where ' +
        'signed entries are lost the log goes on under a new name (…/after-loss-1): monitors, receipts and whoever verifies see the loss. There is ' +
        'no way back: whoever still hopes for a backup puts that in first. Stop all servers before.',
    )
    .requiredOption('--reason <text>', 'why it is accepted; it is recorded')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nIn production it needs SIJILL_KEY, a key with the role admin.\n' +
        'Exit codes: 0 it is on record and the ledger goes on, 1 entries were changed and not lost, 2 nothing is lost, 3 a part cannot be read.\n' +
        '\nExample:\n  $ sijill ledger accept-loss --reason "both disks of the store failed, ticket 4711"',
    )
    .action(async ({ reason, json }: { reason: string; json?: boolean }) => {
      if (reason.trim() === '') throw new WrongUse('--reason is empty; say why the loss is accepted');
      const config = commandConfig();
      const bars = new Map<string, Progress>();
      const accepted = await acceptLoss(config, createLogger(config.logLevel), {
        reason: reason.trim(),
        by: ({ keys }) => actingPrincipal(config, keys, process.env, ['admin']),
        onProgress: (what, done, of) => {
          const bar = bars.get(what) ?? progressBar(what);
          bars.set(what, bar);
          bar.update(done, of);
          if (done >= of) bar.stop();
        },
      });
      printAnswer(json === true, accepted, () => lossText(accepted));
    });
}

function lossText({ entryId, losses, lost }: LossAccepted): string {
  const { store, log, vault, destroyed, access, logCopy } = lost;
  return [
    ...(store === undefined
      ? []
      : [
          `Entries are lost behind position ${store.after} of the event store; known were entries up to ${store.upTo}.`,
          `Of ${log!.leaves} leaves the log has ${log!.kept} again. It goes on with the name ending in /after-loss-${losses}; witnesses have to be told.`,
        ]),
    ...(vault === undefined
      ? []
      : [
          `The vault lacks its changes from ${vault.after + 1} to ${vault.upTo}: people who became known by them are new from now on, and what was sealed for them stays closed.`,
        ]),
    ...(destroyed === undefined ? [] : ['Keys that had been destroyed are in the vault again: destroy them again.']),
    ...(access === undefined
      ? []
      : ['Changes of keys and producers are lost: look at "sijill keys list" for keys that had been revoked.']),
    ...(logCopy === undefined
      ? []
      : [`The log was an older copy, of ${logCopy.after} leaves; it is made again from the store.`]),
    `It is on record as entry ${entryId}. Start the servers; then make a backup.`,
  ].join('\n');
}

function rowsOf({ ledgerId, ...parts }: LedgerShown): string {
  const rows = Object.entries(parts).map(([name, part]) => [name, ...cellsOf(part)]);
  return table(['part', 'ledger', 'position'], [['keyring', ledgerId, ''], ...rows]);
}

function cellsOf({ id, position }: PartShown): string[] {
  return [id ?? 'none yet', position === null ? '' : String(position)];
}

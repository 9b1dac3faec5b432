import { resolve } from 'node:path';
import type { Command } from 'commander';
import { backUp, restore } from '@sijill/ledger';
import { systemClock, type Config } from '@sijill/platform';
import { keyringPlaceOf } from '@sijill/vault';
import { printAnswer } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { commandConfig, withLedger } from '../with-ledger.js';

export function addBackup(program: Command): void {
  program
    .command('backup')
    .summary('copy an embedded ledger, while it is in use')
    .description(
      'Copies an embedded ledger into a folder, while a server may be writing to it. Read models are left out, they are made again. ' +
        'Keys are left out too, the keyring as well as those that sign for the log, for receipts and for a witness: keep their copies somewhere else. ' +
        'Which keys of the keyring the copy needs is said, and stands in the manifest.',
    )
    .argument('<folder>', 'where to; must not exist yet, or be empty')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ sijill backup /backups/sijill-2026-07-01')
    .action(async (folder: string, options: { json?: boolean }) => {
      const config = commandConfig();
      const bar = progressBar('copying');
      const manifest = await backUp(config, resolve(folder), systemClock, (done, total) =>
        bar.update(done, total),
      ).finally(() => bar.stop());
      printAnswer(
        options.json === true,
        { folder: resolve(folder), ...manifest },
        () =>
          `${resolve(folder)} holds the ledger up to position ${manifest.position} (${manifest.files.length} files).\n` +
          `${keysOf(config)} Keep copies apart from it, as they are now: this backup opens with ${manifest.keys.join(', ')},\n` +
          'and with no keyring that lacks one of them.',
      );
    });
}

export function addRestore(program: Command): void {
  program
    .command('restore')
    .summary('put a backup into an empty data directory')
    .description(
      'Checks a backup against its manifest, puts it into the data directory, which must hold no ledger, and makes the read models again. ' +
        'Put the keyring back first, one that has the keys that the backup needs, or set SIJILL_KEYRING_FILE or SIJILL_KEYRING. A notary or a witness ' +
        'needs its signing keys back too, before it starts.',
    )
    .argument('<folder>', 'the backup')
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExample:\n  $ SIJILL_DATA_DIR=/var/lib/sijill sijill restore /backups/sijill-2026-07-01')
    .action(async (folder: string, options: { json?: boolean }) => {
      const config = commandConfig();
      const bar = progressBar('restoring');
      const { position, createdAt } = await restore(config, resolve(folder), (done, total) =>
        bar.update(done, total),
      ).finally(() => bar.stop());
      await withLedger(async ({ store, readModels }) => {
        const projecting = progressBar('read models');
        await readModels
          .catchUp(store, (reached) => projecting.update(reached, position))
          .finally(() => projecting.stop());
      });
      printAnswer(
        options.json === true,
        { dataDir: config.dataDir, position, createdAt },
        () =>
          `${config.dataDir} holds the ledger as it was at ${createdAt}, up to position ${position}.\n` +
          'The keys that sign for the log, or for a witness, were not in the backup: put them back where those roles run.',
      );
    });
}

/** Which keys a backup does not hold, and where they are. */
function keysOf({ keyring, logSigner, receiptSigner, witness }: Config): string {
  const [log, receipts, others] = [logSigner, receiptSigner, witness.signer].map((address) =>
    address.kind === 'file' ? address.file : `what signs by ${address.kind}`,
  );
  return (
    `Keys are not in it: not the keyring (${keyringPlaceOf(keyring).where}), nor those that sign for the log (${log}), for receipts (${receipts}) ` +
    `or for a witness (${others}).`
  );
}

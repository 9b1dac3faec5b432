import { resolve } from 'node:path';
import type { Command } from 'commander';
import { backUp, restore } from '@sijill/ledger';
import { systemClock } from '@sijill/platform';
import { printAnswer } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { commandConfig, withLedger } from '../with-ledger.js';

export function addBackup(program: Command): void {
  program
    .command('backup')
    .summary('copy an embedded ledger, while it is in use')
    .description(
      'Copies an embedded ledger into a folder, while a server may be writing to it. Read models are left out, they are made again. ' +
        'The keyring is left out too: keep its copy somewhere else. Which of its keys the copy needs is said, and stands in the manifest.',
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
          `The keyring is not in it; keep a copy of it, as it is now, apart from it: this backup opens with ${manifest.keys.join(', ')},\n` +
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
        'Put the keyring back first, one that has the keys that the backup needs, or set SIJILL_KEYRING_FILE or SIJILL_KEYRING.',
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
        () => `${config.dataDir} holds the ledger as it was at ${createdAt}, up to position ${position}.`,
      );
    });
}

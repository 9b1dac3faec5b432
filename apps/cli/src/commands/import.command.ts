import type { Command } from 'commander';
import { importFile } from '@sijill/intake';
import type { Config } from '@sijill/platform';
import { EXIT, WrongUse } from '../exit-codes.js';
import { printAnswer, table } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { commandReader, withLedger } from '../with-ledger.js';

const REFUSED_SHOWN = 20;

export function addImport(program: Command): void {
  program
    .command('import')
    .summary('read a file of CloudEvents into the ledger')
    .description(
      'Reads CloudEvents, one a line, into the ledger. An import that was cut short goes on where it stopped when it is run again; a finished ' +
        'file read again adds nothing. Refused lines are listed with their reasons, the rest stays (exit code 1). A pipe is read too: it is ' +
        'kept on a nameless temporary file until it is imported.',
    )
    .argument('<file>', 'newline-delimited JSON')
    .option('--producer <name>', 'in whose name the file speaks (in development: import)')
    .option('--json', 'one JSON document')
    .addHelpText(
      'after',
      '\nExamples:\n  $ sijill import january.ndjson\n  $ sijill import january.ndjson --producer billing\n' +
        '  $ zcat january.ndjson.gz | sijill import /dev/stdin --json | jq .rejected',
    )
    .action(async (file: string, options: { producer?: string; json?: boolean }) => {
      const result = await withLedger(
        async (ledger) => {
          const { store, intakeStore, maker, seen, clock, config, readModels } = ledger;
          const by = await commandReader(ledger, ['producer', 'admin']);
          const speaker = await ledger.producers.admit(producerOf(options, config), by);
          // The read models tell which events are known; they are brought up to date before and kept so on the way.
          await readModels.catchUp(store);
          const bar = progressBar('importing');
          const pending: Promise<void>[] = [];
          let projecting = false;
          try {
            return await importFile(
              file,
              {
                store: intakeStore,
                maker,
                seen,
                clock,
                limits: config.limits,
                defaultRegion: config.defaultRegion,
                speaker,
                principal: by.principal,
              },
              ({ bytesDone, bytesTotal }) => {
                bar.update(bytesDone, bytesTotal);
                if (projecting) return;
                projecting = true;
                // Should it fail, the last one below fails too, where somebody waits for it.
                pending.push(
                  readModels
                    .catchUp(store)
                    .catch(() => undefined)
                    .finally(() => (projecting = false)),
                );
              },
            );
          } finally {
            bar.stop();
            await Promise.all(pending);
            await readModels.catchUp(store);
          }
        },
        { mayBeNew: true },
      );
      printAnswer(options.json === true, result, () => {
        const { lines, accepted, duplicates, rejected } = result;
        const summary = `${lines} lines: ${accepted} accepted, ${duplicates} in the ledger before, ${rejected.length} refused`;
        if (rejected.length === 0) return summary;
        const rows = rejected
          .slice(0, REFUSED_SHOWN)
          .map(({ line, errors }) => [
            String(line),
            errors.map(({ path, message }) => (path === '' ? message : `${path}: ${message}`)).join('\n'),
          ]);
        const more =
          rejected.length > REFUSED_SHOWN ? `\n… and ${rejected.length - REFUSED_SHOWN} more (--json lists all)` : '';
        return `${summary}\n${table(['line', 'why it was refused'], rows, [10, 100])}${more}`;
      });
      process.exitCode = result.rejected.length > 0 ? EXIT.no : EXIT.done;
    });
}

/** @throws WrongUse in production, where nobody is made a producer by a command that left its name out */
function producerOf({ producer }: { producer?: string }, { mode }: Pick<Config, 'mode'>): string {
  if (producer !== undefined) return producer;
  if (mode === 'development') return 'import';
  throw new WrongUse('in production a file is imported in the name of a registered producer: add --producer NAME');
}

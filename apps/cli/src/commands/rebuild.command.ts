import { Argument, type Command } from 'commander';
import { ProjectionFailed, READ_MODEL_SERVING } from '@sijill/read-models';
import { printAnswer } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { withLedger } from '../with-ledger.js';

export function addRebuild(program: Command): void {
  program
    .command('rebuild')
    .summary('make the read models again from the store')
    .description(
      'Makes the read models again from the event store. Works beside a running server: readers see the old rows, kept up to date, until the new ones are complete; a rebuild that is cut short changes nothing.',
    )
    .addArgument(new Argument('[read-model]', 'one of them; all when left out').choices([...READ_MODEL_SERVING.keys()]))
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExamples:\n  $ sijill rebuild\n  $ sijill rebuild disclosure-history')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const result = await withLedger(async ({ readModels, store }) => {
        // A read model that throws does not keep the others from being made again, and may be mended by it.
        await readModels.catchUp(store).catch((error: unknown) => {
          if (!(error instanceof ProjectionFailed)) throw error;
        });
        const total = await store.head();
        const bar = progressBar('rebuilding');
        const only = name === undefined ? undefined : READ_MODEL_SERVING.get(name);
        try {
          const { position, unchanged } = await readModels.rebuild(store, only, {
            onProgress: (reached) => bar.update(reached, total),
            compare: true,
          });
          return { readModel: name ?? 'all', position, digest: await readModels.digest(), unchanged };
        } finally {
          bar.stop();
        }
      });
      printAnswer(
        options.json === true,
        result,
        () =>
          `rebuilt ${result.readModel} up to position ${result.position}; ${comparison(result.unchanged)} (SHA-256 ${result.digest})`,
      );
    });
}

function comparison(unchanged: boolean | null): string {
  if (unchanged === null) return 'entries came so fast that it could not be compared with what was there';
  return unchanged ? 'the content is identical to what was there' : 'the content is different from what was there';
}

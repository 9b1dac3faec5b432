import { Argument, type Command } from 'commander';
import { READ_MODELS, type ReadModelName } from '@sijill/read-models';
import { printAnswer } from '../terminal/print.js';
import { progressBar } from '../terminal/progress.js';
import { withLedger } from '../with-ledger.js';

/** `disclosure-history` and `duplicates` have no rows of their own: they are read from the tables of these. */
const OWNERS: Record<string, ReadModelName> = {
  ...(Object.fromEntries(Object.keys(READ_MODELS).map((name) => [name, name])) as Record<ReadModelName, ReadModelName>),
  'disclosure-history': 'activity-timeline',
  duplicates: 'entries',
};

export function addRebuild(program: Command): void {
  program
    .command('rebuild')
    .summary('make the read models again from the store')
    .description(
      'Makes the read models again from the event store. Readers see the old rows until the new ones are complete; a rebuild that is cut short changes nothing.',
    )
    .addArgument(new Argument('[read-model]', 'one of them; all when left out').choices(Object.keys(OWNERS)))
    .option('--json', 'one JSON document')
    .addHelpText('after', '\nExamples:\n  $ sijill rebuild\n  $ sijill rebuild disclosure-history')
    .action(async (name: string | undefined, options: { json?: boolean }) => {
      const result = await withLedger(async ({ readModels, store }) => {
        await readModels.catchUp(store);
        const before = { digest: await readModels.digest(), position: (await readModels.asOf()).position };
        const total = await store.head();
        const bar = progressBar('rebuilding');
        try {
          await readModels.rebuild(store, name === undefined ? undefined : OWNERS[name], (position) =>
            bar.update(position, total),
          );
        } finally {
          bar.stop();
        }
        const digest = await readModels.digest();
        const { position } = await readModels.asOf();
        // Beside a running server entries arrive in between, and two different ledgers cannot be compared.
        const unchanged = position === before.position ? digest === before.digest : null;
        return { readModel: name ?? 'all', position, digest, unchanged };
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
  if (unchanged === null) return 'entries arrived meanwhile, so that it cannot be compared with what was there';
  return unchanged ? 'the content is identical to what was there' : 'the content is different from what was there';
}

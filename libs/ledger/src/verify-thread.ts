import { parentPort, workerData } from 'node:worker_threads';
import { checkRange, LogStore, type RangeChecked, type TileRange } from '@sijill/notary';
import { createLogger, type Config } from '@sijill/platform';
import { openStore } from './open-ledger.js';
import { sqlTarget } from './sql-target.js';

/** What a thread says of a range. */
export type ThreadAnswer = { readonly checked: RangeChecked } | { readonly failure: string };

// Compares one range of the log with the store for each message, with connections of its own.
const config = workerData as Config;
const store = await openStore(config, createLogger('silent'));
const log = await LogStore.open(sqlTarget(config, 'notary'));
const { size } = await log.head();
parentPort!.on('message', (range: TileRange | null) => {
  if (range === null) {
    void Promise.all([store.close(), log.close()]).then(() => parentPort!.close());
    return;
  }
  void checkRange(store, log, size, range).then(
    (checked) => parentPort!.postMessage({ checked } satisfies ThreadAnswer),
    (error: unknown) => parentPort!.postMessage({ failure: String(error) } satisfies ThreadAnswer),
  );
});

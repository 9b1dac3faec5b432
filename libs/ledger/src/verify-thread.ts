import { parentPort, workerData } from 'node:worker_threads';
import { checkRange, LogStore, type RangeChecked, type TileRange } from '@sijill/notary';
import { createLogger, type Config } from '@sijill/platform';
import { authenticatorFor } from './authenticator-for.js';
import { openStore } from './open-store.js';
import { sqlTarget } from './sql-target.js';

/** What a thread is to compare, in a log of so many leaves. */
export interface ThreadTask {
  readonly range: TileRange;
  readonly size: number;
}

/** What a thread says of it. */
export type ThreadAnswer = { readonly checked: RangeChecked } | { readonly failure: string };

// Compares one range of the log with the store for each message, with connections of its own.
const config = workerData as Config;
const store = await openStore(config, createLogger('silent'));
const authenticator = await authenticatorFor(config);
const log = await LogStore.open(sqlTarget(config, 'notary'));
parentPort!.on('message', (task: ThreadTask | null) => {
  if (task === null) {
    void Promise.all([store.close(), log.close()]).then(() => parentPort!.close());
    return;
  }
  void checkRange(store, log, task.size, task.range, authenticator ?? undefined).then(
    (checked) => parentPort!.postMessage({ checked } satisfies ThreadAnswer),
    (error: unknown) => parentPort!.postMessage({ failure: String(error) } satisfies ThreadAnswer),
  );
});

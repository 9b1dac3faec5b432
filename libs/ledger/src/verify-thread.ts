import { workerData } from 'node:worker_threads';
import { checkRange, LogStore, type RangeChecked, type TileRange } from '@sijill/notary';
import { createLogger, type Config } from '@sijill/platform';
import { openStore } from './open-store.js';
import { serveTasks } from './serve-tasks.js';
import { sqlTarget } from './sql-target.js';

/** What a thread is to compare, in a log of so many leaves. */
export interface VerifyTask {
  readonly range: TileRange;
  readonly size: number;
}

// Compares one range of the log with the store for each task.
const config = workerData as Config;
const store = await openStore(config, createLogger('silent'));
const log = await LogStore.open(sqlTarget(config, 'notary'));
serveTasks<VerifyTask, RangeChecked>(
  ({ range, size }) => checkRange(store, log, size, range),
  () => Promise.all([store.close(), log.close()]),
);

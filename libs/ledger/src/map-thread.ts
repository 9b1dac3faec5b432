import { workerData } from 'node:worker_threads';
import { LogStore, MapExtension, MapStore, type MapHead } from '@sijill/notary';
import { createLogger, type Config } from '@sijill/platform';
import { openStore } from './open-store.js';
import { serveTasks } from './serve-tasks.js';
import { sqlTarget } from './sql-target.js';

/** The map is to cover so many leaves of the log. */
export interface MapTask {
  readonly size: number;
}

// Extends the map of subjects, so that intake does not wait for it.
const config = workerData as Config;
const store = await openStore(config, createLogger('silent'));
const log = await LogStore.open(sqlTarget(config, 'notary'));
const maps = await MapStore.open(sqlTarget(config, 'subject-map'));
const extension = new MapExtension(store, log, maps);
serveTasks<MapTask, MapHead>(
  ({ size }) => extension.upTo(size),
  () => Promise.all([store.close(), log.close(), maps.close()]),
);

// A notary as a process of its own, to be killed. See test/faults/notary.
import { Lane, nodeLane } from '@sijill/event-store';
import { LogStore, MapKeeper, MapStore, Notary } from '@sijill/notary';
import { LOG_IDENTITY } from './log-identity.js';
import { claimOf, createLogger, Metrics, systemClock } from '@sijill/platform';
import { openStoreAt } from './open-store-at.js';

const [where = '', file = '', mapFile = '', claim = ''] = process.argv.slice(2);
const store = await openStoreAt(where);
const log = await LogStore.open({ kind: 'sqlite', file });
const maps = await MapStore.open({ kind: 'sqlite', file: mapFile });
const parts = { clock: systemClock, metrics: new Metrics(), logger: createLogger('silent') };
const notary = new Notary(store, log, {
  ...parts,
  claim: claimOf({ kind: 'sqlite', file: claim }, 'notary'),
  identity: LOG_IDENTITY,
  subjects: new MapKeeper(store, log, maps, { ...parts, everyMs: 30 }),
  lane: () => Lane.open(store, nodeLane('notary'), { onOtherWriter: 'follow', whenFull: 'refuse' }),
  signEveryMs: 20,
});
notary.start();
process.send?.('ready');
setInterval(() => undefined, 1000);

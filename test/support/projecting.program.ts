// A process of its own that projects a store, or makes the read models again and again beside it; to be killed. See
// test/faults/projection.
import { openEmbeddedStore } from '@sijill/event-store';
import { createLogger, Metrics, systemClock, type SqlTarget } from '@sijill/platform';
import { Projector, ReadModels } from '@sijill/read-models';
import { authentic } from './entry-keys.js';

const [what = '', file = '', target = '{}'] = process.argv.slice(2);
const store = authentic(openEmbeddedStore({ file, pollMs: 10 }));
const readModels = await ReadModels.open(JSON.parse(target) as SqlTarget, systemClock);
process.send?.('ready');
if (what === 'project') {
  new Projector(store, readModels, new Metrics(), createLogger('silent')).start();
  setInterval(() => undefined, 1000);
} else for (;;) await readModels.rebuild(store, undefined, { compare: true });

// A process of its own that appends to one embedded store: to a lane of its own, and to one that it shares with others.
import { openEmbeddedStore, WrongExpectedRevision } from '@sijill/event-store';
import { randomUUID } from 'node:crypto';
import { authentic } from './entry-keys.js';

const [file = '', own = '', shared = '', count = '0'] = process.argv.slice(2);
const store = authentic(openEmbeddedStore({ file, pollMs: 10 }));
const entry = () => ({ id: randomUUID(), type: 'ledger.tested', data: { pid: process.pid }, metadata: { format: 2 } });

let end = -1;
for (let i = 0; i < Number(count); i++) {
  await store.append(own, [entry()], i === 0 ? 'no_stream' : i - 1);
  const mine = [entry()];
  for (let stored = false; !stored;) {
    try {
      end = (await store.append(shared, mine, end < 0 ? 'no_stream' : end)).revision;
      stored = true;
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      end = error.actual;
    }
  }
}
await store.close();

// A process of its own that appends to an embedded store and notes beside it what was acknowledged, in that order.
import { openEmbeddedStore } from '@sijill/event-store';
import { openSync, writeSync } from 'node:fs';
import { seeded } from '../seeded.js';
import { bulky } from './bulky.js';

const [file = '', seed = '0', commits = '0'] = process.argv.slice(2);
const random = seeded(Number(seed));
const acknowledged = openSync(`${file}-acknowledged`, 'a');
const store = openEmbeddedStore({ file });
const lanes = ['ledger-a', 'ledger-b', 'ledger-c'].map((name) => ({ name, end: -1 }));

for (let i = 0; i < Number(commits); i++) {
  // Those that come at once share a commit; each is acknowledged by itself.
  const writers = lanes.slice(0, 1 + Math.floor(random() * lanes.length));
  await Promise.all(
    writers.map(async (lane) => {
      const batch = Array.from({ length: 1 + Math.floor(random() * 3) }, () => bulky(random));
      const { revision, position } = await store.append(lane.name, batch, lane.end < 0 ? 'no_stream' : lane.end);
      lane.end = revision;
      writeSync(acknowledged, `${JSON.stringify({ position, ids: batch.map(({ id }) => id) })}\n`);
    }),
  );
}
// Without a word: closing would move the log into the file and sync everything.
process.kill(process.pid, 'SIGKILL');

import { join } from 'node:path';
import { Lane, openEmbeddedStore, type NewEntry } from '@sijill/event-store';
import { FinishedRows } from '../bare-insert.js';
import { pass, type Pass } from '../measure.js';
import { inBatches } from '../sample-events.js';
import type { Comparison, Part, Side } from '../side-by-side.js';
import type { Sample } from './sample.js';

const BATCHES = [1, 10, 100, 500];

/** Finished entries appended to a lane, against their rows inserted with nothing around it; one caller either way. */
export async function appendPart({ sizes: { atMostMs }, dataDir }: Sample): Promise<Part> {
  const file = join(dataDir, 'ledger.sqlite');
  const rows = FinishedRows.of(file);
  const entries = await entriesOf(file);
  const bare = (batch: number, name: string): Side => ({
    name,
    run: (folder) => rows.insert(join(folder, 'bare.sqlite'), { batch, atMostMs }),
  });
  const append = (batch: number): Side => ({
    name: `append, ${batch} a call`,
    run: (folder) => appendPass(join(folder, 'store.sqlite'), entries, batch, atMostMs),
  });
  return {
    sides: [
      ...BATCHES.flatMap((batch) => [append(batch), bare(batch, `bare insert, ${batch} a transaction`)]),
      bare(100, 'bare insert, 100 a transaction, again'),
    ],
    comparisons: [
      ...BATCHES.map((batch): Comparison => ({
        name: `append / bare insert, ${batch} at a time`,
        over: `append, ${batch} a call`,
        under: `bare insert, ${batch} a transaction`,
      })),
      {
        name: 'control: bare insert / bare insert',
        over: 'bare insert, 100 a transaction, again',
        under: 'bare insert, 100 a transaction',
      },
    ],
    notes: [
      'append: finished entries handed to a lane of the embedded store by one caller; serialized, sent to the writer’s thread, inserted, synced',
      'bare insert: better-sqlite3 inserts the same finished rows into the same table (keys, triggers), WAL, synchronous=FULL',
    ],
    close: async () => undefined,
  };
}

async function entriesOf(file: string): Promise<NewEntry[]> {
  const store = openEmbeddedStore({ file });
  const entries: NewEntry[] = [];
  for await (const batch of store.readAll()) {
    for (const { id, type, data, metadata } of batch) entries.push({ id, type, data, metadata });
  }
  await store.close();
  return entries;
}

async function appendPass(file: string, entries: readonly NewEntry[], size: number, atMostMs: number): Promise<Pass> {
  const store = openEmbeddedStore({ file });
  const lane = await Lane.open(store, 'ledger-bench', { onOtherWriter: 'stop', whenFull: 'refuse' });
  const [first = [], ...batches] = inBatches(entries, size);
  // The first append starts the writer's thread.
  await lane.append(first);
  const calls = batches.map((batch) => async () => {
    await lane.append(batch);
    return batch.length;
  });
  const timed = await pass(calls, { atMostMs });
  await lane.close();
  await store.close();
  return timed;
}

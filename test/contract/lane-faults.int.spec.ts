import { join } from 'node:path';
import { entryText, Lane, leafText, openEmbeddedStore, openEventStoreDb, type EventStore } from '@sijill/event-store';
import { hashLeafText, toHex } from '@sijill/transparency';
import { authentic } from '../support/entry-keys.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { FaultyStore } from '../support/faulty-store.js';
import { freshDataDir } from '../support/sijill.js';
import { entries, laneName } from './event-store.contract.js';

/** How an append fails: its caller cannot tell the two apart. */
type Failure = 'not stored' | 'stored';

interface Failing {
  readonly store: EventStore;
  /** The next appends fail so, one after the other; those behind them go well. */
  fail(failures: readonly Failure[]): void;
  close(): Promise<void>;
}

const SIZES = [3, 1, 2, 4];
const FAILURES: readonly Failure[] = ['not stored', 'stored'];
const SEQUENCES = [...FAILURES.map((one) => [one]), ...FAILURES.flatMap((a) => FAILURES.map((b) => [a, b]))];

describe.each<[string, () => Promise<Failing>]>([
  [
    'the embedded store',
    async () => {
      const store = new FaultyStore(
        authentic(openEmbeddedStore({ file: join(freshDataDir('lane'), 'ledger.sqlite') })),
      );
      return {
        store,
        fail: (failures) => (store.faults = failures.map((each) => (each === 'stored' ? 'fail after' : 'fail before'))),
        close: () => store.close(),
      };
    },
  ],
  [
    'EventStoreDB, its connection broken on the wire',
    async () => {
      const standIn: StandIn = await startEventStoreDbStandIn();
      const { connectionString } = standIn;
      const store = authentic(await openEventStoreDb({ connectionString, appendTimeoutMs: 2_000 }));
      return {
        store,
        fail: (failures) =>
          void standIn.faults.appends.push(
            ...failures.map((each) => ({ kind: 'drop' as const, stored: each === 'stored' })),
          ),
        close: async () => {
          await store.close();
          await standIn.stop();
        },
      };
    },
  ],
])('a lane over %s', (_, open) => {
  let failing: Failing;
  beforeAll(async () => {
    failing = await open();
  });
  afterAll(() => failing.close());

  const cases = SEQUENCES.flatMap((failures) => SIZES.map((__, step) => ({ failures, step })));
  it.each(cases)(
    'has all once and in order, and knows their leaves, when append $step fails: $failures',
    async ({ failures, step }) => {
      const name = laneName();
      const lane = await Lane.open(failing.store, name, { onOtherWriter: 'stop', whenFull: 'refuse' });
      const batches = SIZES.map((size) => entries(size));
      let revision = -1;
      const told: string[] = [];
      for (const [i, batch] of batches.entries()) {
        if (i === step) failing.fail(failures);
        revision += batch.length;
        const appended = await lane.append(batch);
        expect(appended.revision).toBe(revision);
        told.push(...appended.leafHashes);
      }
      const stored: string[] = [];
      const leaves: string[] = [];
      for await (const entry of failing.store.readStream(name)) {
        stored.push(entry.id);
        leaves.push(toHex(hashLeafText(leafText(entryText(entry)))));
      }
      expect(stored).toEqual(batches.flat().map(({ id }) => id));
      expect(told).toEqual(leaves);
    },
  );
});

import { join } from 'node:path';
import {
  entryText,
  Lane,
  leafText,
  openEmbeddedStore,
  openEventStoreDb,
  OutcomeUnknown,
  passes,
  StoreRefused,
  type EventStore,
} from '@sijill/event-store';
import { hashLeafText, toHex } from '@sijill/transparency';
import { authentic } from '../support/entry-keys.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { code } from '../support/eventstoredb/wire.js';
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

describe('a lane over EventStoreDB', () => {
  let standIn: StandIn;
  let store: EventStore;
  beforeEach(async () => {
    standIn = await startEventStoreDbStandIn();
    const { connectionString } = standIn;
    store = authentic(await openEventStoreDb({ connectionString, appendTimeoutMs: 300 }));
  });
  afterEach(async () => {
    await store.close();
    await standIn.stop();
  });
  const open = (whenFull: 'wait' | 'refuse', settleWithinMs: number): Promise<Lane> =>
    Lane.open(store, 'ledger-a', { onOtherWriter: 'stop', whenFull, settleWithinMs });

  it('stops when its user is gone and the connection breaks under an append', async () => {
    const lane = await open('wait', 60_000);
    await lane.append(entries(1));
    standIn.faults.refuse = code.UNAUTHENTICATED;
    standIn.faults.appends.push({ kind: 'cut', stored: true });
    await expect(lane.append(entries(1))).rejects.toBeInstanceOf(StoreRefused);
    expect(lane.failure).toBeInstanceOf(StoreRefused);
    await lane.close();
  });

  it('tells in time that its server is gone, and goes on at its end when it is back', async () => {
    const directory = freshDataDir('lane-stand-in');
    await standIn.stop();
    standIn = await startEventStoreDbStandIn({ port: standIn.port, dataDir: directory });
    const lane = await open('refuse', 500);
    await lane.append(entries(1));
    await standIn.stop();
    const lost = entries(2);
    expect(passes(await lane.append(lost).catch((error: unknown) => error))).toBe(true);
    standIn = await startEventStoreDbStandIn({ port: standIn.port, dataDir: directory });
    let appended: unknown = null;
    while (appended === null)
      appended = await lane.append(lost).catch((error: unknown) => (passes(error) ? null : error));
    expect(appended).toMatchObject({ revision: 2 });
    await lane.close();
  });

  it('tells in time that its server answers nothing', async () => {
    const lane = await open('wait', 700);
    await lane.append(entries(1));
    for (let n = 0; n < 50; n++) standIn.faults.appends.push({ kind: 'silence', stored: false });
    const sent = entries(1);
    await expect(lane.append(sent)).rejects.toBeInstanceOf(OutcomeUnknown);
    standIn.faults.appends.length = 0;
    let appended: unknown = null;
    while (appended === null)
      appended = await lane.append(sent).catch((error: unknown) => (passes(error) ? null : error));
    expect(appended).toMatchObject({ revision: 1 });
    await lane.close();
  });
});

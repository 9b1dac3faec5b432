import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AppendTooLarge,
  Lane,
  LaneBusy,
  LaneClosed,
  LaneTakenOver,
  leafText,
  MAX_APPEND_ENTRIES,
  openEmbeddedStore,
  OutcomeUnknown,
  passes,
  StoreFull,
  StoreRefused,
  StoreUnavailable,
  type KeylessStore,
  type NewEntry,
} from '@sijill/event-store';
import { hashLeafText, toHex } from '@sijill/transparency';
import { authentic } from '../support/entry-keys.js';
import { FaultyStore } from '../support/faulty-store.js';

const entry = (n: number): NewEntry => ({
  id: `01890000-0000-7000-8000-${String(n).padStart(12, '0')}`,
  type: 't',
  data: { n },
  metadata: { format: 2 },
});
const entries = (from: number, count: number): NewEntry[] => Array.from({ length: count }, (_, i) => entry(from + i));

describe('lane', () => {
  let keyless: KeylessStore;
  let store: FaultyStore;
  beforeEach(() => {
    keyless = openEmbeddedStore({ file: join(mkdtempSync(join(tmpdir(), 'sijill-lane-')), 'ledger.sqlite') });
    store = new FaultyStore(authentic(keyless));
  });
  afterEach(() => store.close());

  const stored = async (lane: string): Promise<number[]> => {
    const numbers: number[] = [];
    for await (const { data } of store.readStream(lane)) numbers.push(data['n'] as number);
    return numbers;
  };
  /** The hashes of a lane's leaves as the log has them. */
  const leaves = async (lane: string): Promise<string[]> => {
    const hashes: string[] = [];
    for await (const batch of store.readTexts())
      hashes.push(...batch.filter(({ stream }) => stream === lane).map((one) => toHex(hashLeafText(leafText(one)))));
    return hashes;
  };
  const open = (onOtherWriter: 'stop' | 'follow' = 'stop', byteBudget = 50_000_000): Promise<Lane> =>
    Lane.open(store, 'ledger-a', { onOtherWriter, whenFull: 'refuse', byteBudget, settleWithinMs: 60_000 });

  it('shares one append between callers that wait, and tells each its own place', async () => {
    const lane = await open();
    const results = await Promise.all([
      lane.append(entries(0, 2)),
      lane.append(entries(2, 1)),
      lane.append(entries(3, 3)),
    ]);
    expect(results.map(({ revision }) => revision)).toEqual([1, 2, 5]);
    const hashes = await leaves('ledger-a');
    expect(results.map(({ leafHashes }) => leafHashes)).toEqual([
      hashes.slice(0, 2),
      hashes.slice(2, 3),
      hashes.slice(3),
    ]);
    expect(await stored('ledger-a')).toEqual([0, 1, 2, 3, 4, 5]);
    expect(store.appends).toBe(1);
  });

  it.each(['fail before', 'fail after', 'unavailable'] as const)(
    'stores once when an append does "%s"',
    async (fault) => {
      const lane = await open();
      await lane.append(entries(0, 3));
      store.faults = [fault, fault];
      const { revision } = await lane.append(entries(3, 2));
      await lane.append(entries(5, 1));
      expect(revision).toBe(4);
      expect(await stored('ledger-a')).toEqual([0, 1, 2, 3, 4, 5]);
    },
  );

  it('stops when another writer has the lane, and writes nothing more', async () => {
    const [older, newer] = [await open(), await open()];
    await newer.append(entries(0, 1));
    await expect(older.append(entries(10, 1))).rejects.toThrow(LaneTakenOver);
    await expect(older.append(entries(11, 1))).rejects.toThrow(LaneTakenOver);
    await newer.append(entries(1, 1));
    expect(await stored('ledger-a')).toEqual([0, 1]);
  });

  it('goes on behind what no writer of the ledger has put there, and tells its entries from copies of them', async () => {
    const lane = await open();
    await lane.append(entries(0, 1));
    const strange = { id: 'x', type: 'y', data: 'z', metadata: '' };
    const before = store.append.bind(store);
    store.faults = ['fail before'];
    // While the outcome of the append is not known, somebody writes an event with the id of its entry.
    store.append = async (...args) => {
      store.append = before;
      await keyless.events.append('ledger-a', [strange, { ...strange, id: entry(1).id }], 'any');
      return before(...args);
    };
    const moved = await lane.append(entries(1, 1));
    expect([moved.revision, moved.leafHashes]).toEqual([3, [(await leaves('ledger-a'))[3]]]);
    await keyless.events.append('ledger-a', [strange], 'any');
    expect((await lane.append(entries(2, 1))).revision).toBe(5);
    const ours: unknown[] = [];
    for await (const { foreign, data } of store.readStream('ledger-a')) if (!foreign) ours.push(data['n']);
    expect(ours).toEqual([0, 1, 2]);
    expect((await open()).endAtOpening?.data).toEqual({ n: 2 });
  });

  it('goes on behind the other writer where several share a lane', async () => {
    const [one, two] = [await open('follow'), await open('follow')];
    await Promise.all([one.append(entries(0, 1)), two.append(entries(1, 1)), one.append(entries(2, 1))]);
    expect((await stored('ledger-a')).sort()).toEqual([0, 1, 2]);
  });

  it('does not store twice in a shared lane when the answer was lost and others wrote behind', async () => {
    const [one, two] = [await open('follow'), await open('follow')];
    await one.append(entries(0, 1));
    store.faults = ['fail after'];
    const lost = one.append(entries(1, 1));
    await two.append(entries(2, 1));
    await lost;
    expect((await stored('ledger-a')).sort()).toEqual([0, 1, 2]);
  });

  it('splits what the store does not take at once, in order', async () => {
    store.limit = 3;
    const lane = await open();
    const [before, behind] = await Promise.all([lane.append(entries(0, 4)), lane.append(entries(4, 7))]);
    expect(behind.revision).toBe(10);
    // Each caller is told the leaves of its own entries, however they were split.
    expect([before.leafHashes.length, behind.leafHashes.length]).toEqual([4, 7]);
    expect([...before.leafHashes, ...behind.leafHashes]).toEqual(await leaves('ledger-a'));
    expect(await stored('ledger-a')).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  it('takes up a lane at its end', async () => {
    await (await open()).append(entries(0, 4));
    const lane = await open();
    expect(lane.endAtOpening?.data).toEqual({ n: 3 });
    await lane.append(entries(4, 1));
    expect(await stored('ledger-a')).toHaveLength(5);
  });

  it('refuses when too much waits, and stores none of what it refused', async () => {
    const lane = await open('stop', 10);
    const first = lane.append(entries(0, 11));
    await expect(lane.append(entries(20, 1))).rejects.toThrow(LaneBusy);
    await first;
    await lane.append(entries(11, 1));
    expect(await stored('ledger-a')).toHaveLength(12);
  });

  it('counts what waits in bytes, what is under way included, and takes more once that is durable', async () => {
    const large = { ...entry(0), data: { text: 'x'.repeat(1000) } };
    const lane = await open('stop', 2500);
    const handed = [0, 1, 2].map((n) => lane.append([{ ...large, id: entry(n).id }]));
    await expect(lane.append(entries(3, 1))).rejects.toThrow(LaneBusy);
    await Promise.all(handed);
    await lane.append(entries(3, 1));
    expect((await lane.append(entries(4, 1))).revision).toBe(4);
  });

  it('puts no more into one append than every store takes', async () => {
    const lane = await open();
    const large = Array.from({ length: 5 }, (_, n) => ({ ...entry(n), data: { n, text: 'x'.repeat(400_000) } }));
    const { revision } = await lane.append(large);
    expect(revision).toBe(4);
    expect(await stored('ledger-a')).toEqual([0, 1, 2, 3, 4]);
    expect(store.appends).toBe(3);
  });

  it('refuses at once what a full disk does not take, and goes on when there is room', async () => {
    const lane = await open();
    store.faults = ['full'];
    const refused = await Promise.allSettled([lane.append(entries(0, 2)), lane.append(entries(2, 1))]);
    expect(refused.map((each) => (each as PromiseRejectedResult).reason)).toEqual([
      expect.any(StoreFull),
      expect.any(StoreFull),
    ]);
    expect(lane.failure).toBeNull();
    expect((await lane.append(entries(3, 1))).revision).toBe(0);
  });

  it('waits for room where its entries can be had only here', async () => {
    const lane = await Lane.open(store, 'ledger-a', {
      onOtherWriter: 'stop',
      whenFull: 'wait',
      settleWithinMs: 60_000,
    });
    store.faults = ['full', 'full'];
    expect((await lane.append(entries(0, 2))).revision).toBe(1);
  });

  it('drains before it closes, and takes nothing after', async () => {
    const lane = await open();
    const last = lane.append(entries(0, 5));
    await lane.close();
    await last;
    await expect(lane.append(entries(5, 1))).rejects.toThrow(LaneClosed);
    expect(await stored('ledger-a')).toHaveLength(5);
  });

  it('gives up when told to, instead of trying for ever', async () => {
    const lane = await open();
    store.faults = Array.from({ length: 100 }, () => 'unavailable' as const);
    const waiting = lane.append(entries(0, 1));
    setTimeout(() => lane.abandon(), 50);
    await expect(waiting).rejects.toThrow(LaneClosed);
  });

  it('passes on what the store will never take', async () => {
    const lane = await open();
    store.faults = ['refuse'];
    await expect(lane.append(entries(0, 1))).rejects.toThrow(StoreRefused);
  });

  it('lets one caller’s unwritable entries fail alone, and goes on', async () => {
    const lane = await Lane.open(store, 'ledger-a', { onOtherWriter: 'stop', whenFull: 'refuse' });
    store.limit = 0;
    const first = lane.append(entries(0, 1));
    await expect(first).rejects.toBeInstanceOf(AppendTooLarge);
    store.limit = 10;
    const bad = { ...entry(100), data: { n: Number.NaN } };
    const outcomes = await Promise.allSettled([
      lane.append(entries(1, 2)),
      lane.append([bad]),
      lane.append(entries(3, 2)),
    ]);
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(lane.failure).toBeNull();
    expect((await lane.append(entries(5, 1))).revision).toBe(4);
  });

  it('finds what it has stored behind what others have written since', async () => {
    const lane = await Lane.open(store, 'ledger-a', { onOtherWriter: 'follow', whenFull: 'refuse' });
    await lane.append(entries(0, 2));
    const other = await Lane.open(store, 'ledger-a', { onOtherWriter: 'follow', whenFull: 'refuse' });
    store.faults = ['fail after'];
    const readStream = store.readStream.bind(store);
    let written = false;
    store.readStream = (...args) => {
      // Another writer comes between the append and the look at the lane's end.
      const foreign = written ? Promise.resolve() : other.append(entries(50, 1)).then(() => undefined);
      written = true;
      return (async function* () {
        await foreign;
        yield* readStream(...args);
      })();
    };
    expect((await lane.append(entries(2, 3))).revision).toBe(4);
    expect((await lane.append(entries(5, 1))).revision).toBe(6);
    const ids: string[] = [];
    for await (const { id } of readStream('ledger-a')) ids.push(id);
    expect(ids).toHaveLength(new Set(ids).size);
    expect(ids).toHaveLength(7);
  });

  it('does not wait for ever for a store that is away when it is closed', async () => {
    const lane = await Lane.open(store, 'ledger-a', { onOtherWriter: 'stop', whenFull: 'refuse' });
    store.faults = Array.from({ length: 1000 }, () => 'unavailable' as const);
    const refused = [lane.append(entries(0, 1)), lane.append(entries(1, 1))].map((append) =>
      expect(append).rejects.toBeInstanceOf(LaneClosed),
    );
    await lane.close(100);
    await Promise.all(refused);
    await expect(lane.append(entries(2, 1))).rejects.toBeInstanceOf(LaneClosed);
  });

  describe('over a store that does not answer', () => {
    const patient = { onOtherWriter: 'stop', whenFull: 'wait', settleWithinMs: 3_000 } as const;
    // The store's writer is started by its first append, which takes a while on a machine with much to do.
    beforeEach(() => store.append('ledger-before', entries(0, 1), 'no_stream'));
    /** Appends wait until they are let go. */
    const hold = (): (() => void) => {
      const append = store.append.bind(store);
      let go!: () => void;
      const held = new Promise<void>((resolve) => (go = resolve));
      store.append = async (...args) => {
        await held;
        return append(...args);
      };
      return () => {
        store.append = append;
        go();
      };
    };

    it('tells its callers in time what it knows, and stores none twice that is handed over again', async () => {
      const lane = await Lane.open(store, 'ledger-a', patient);
      await lane.append(entries(0, 1));
      const go = hold();
      const begun = lane.append(entries(1, 2));
      await new Promise((resolve) => setTimeout(resolve, 20));
      const waits = lane.append(entries(3, 1));
      await expect(begun).rejects.toBeInstanceOf(OutcomeUnknown);
      await expect(begun).rejects.toThrow('may or may not be stored');
      await expect(waits).rejects.toBeInstanceOf(StoreUnavailable);
      await expect(waits).rejects.toThrow('nothing of this is stored');
      const again = lane.append(entries(1, 2));
      const others = lane.append(entries(4, 1));
      go();
      expect(await again).toMatchObject({ revision: 2 });
      expect((await again).leafHashes).toEqual((await leaves('ledger-a')).slice(1, 3));
      expect(await others).toMatchObject({ revision: 3 });
      expect(await lane.append(entries(1, 2))).toEqual(await again);
      expect(await lane.append(entries(3, 1))).toMatchObject({ revision: 4 });
      expect(await stored('ledger-a')).toEqual([0, 1, 2, 4, 3]);
      expect(lane.failure).toBeNull();
    });

    it.each(['unavailable', 'full', 'fail before'] as const)(
      'tells them in time when it says "%s" for long',
      async (fault) => {
        const reasons: string[] = [];
        const lane = await Lane.open(store, 'ledger-a', { ...patient, onRetry: (reason) => reasons.push(reason) });
        store.faults = Array.from({ length: 1_000 }, () => fault);
        const told: unknown = await lane.append(entries(0, 1)).catch((error: unknown) => error);
        expect(passes(told)).toBe(true);
        expect((told as Error).message).toContain(reasons[0]);
        store.faults = [];
        // The lane has gone on with it meanwhile, and what comes next stands behind it.
        while (passes(await lane.append(entries(1, 1)).catch((error: unknown) => error)));
        expect(await stored('ledger-a')).toEqual([0, 1]);
      },
    );

    it('stops over an error that stays, met while it settles', async () => {
      const lane = await Lane.open(store, 'ledger-a', { ...patient, settleWithinMs: 60_000 });
      store.faults = ['fail after'];
      const readStream = store.readStream.bind(store);
      store.readStream = () => {
        throw new StoreRefused('the user is gone');
      };
      await expect(lane.append(entries(0, 1))).rejects.toThrow('the user is gone');
      expect(lane.failure).toBeInstanceOf(StoreRefused);
      store.readStream = readStream;
      await expect(lane.append(entries(1, 1))).rejects.toBeInstanceOf(StoreRefused);
      expect((await open()).endAtOpening?.data).toEqual({ n: 0 });
    });
  });

  it('puts no more entries into one append than a server takes soon', async () => {
    const lane = await open();
    const { revision } = await lane.append(entries(0, 2 * MAX_APPEND_ENTRIES + 1));
    expect(revision).toBe(2 * MAX_APPEND_ENTRIES);
    expect(store.appends).toBe(3);
  });

  it('settles whoever appends while it is being closed', async () => {
    const lane = await Lane.open(store, 'ledger-a', { onOtherWriter: 'stop', whenFull: 'refuse' });
    const late = lane.append(entries(0, 1)).then(() => lane.append(entries(1, 1)));
    const refused = expect(late).rejects.toBeInstanceOf(LaneClosed);
    await lane.close();
    await refused;
  });
});

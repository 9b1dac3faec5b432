import { join } from 'node:path';
import {
  drainOutbox,
  LANES,
  ledgerEntry,
  MAX_APPEND_BYTES,
  openEmbeddedStore,
  openEventStoreDb,
  StoreUnavailable,
  type EventStore,
  type KeylessStore,
  type OutboxRow,
  type OutboxSource,
} from '@sijill/event-store';
import { authentic, intrude } from '../support/entry-keys.js';
import { startEventStoreDbStandIn } from '../support/eventstoredb/stand-in.js';
import { FaultyStore, type StoreFault } from '../support/faulty-store.js';
import { freshDataDir } from '../support/sijill.js';
import { laneName } from './event-store.contract.js';

class Killed extends Error {}

/** A table of rows; whoever drains it may be killed before it is told that they are in the store. */
class Table implements OutboxSource {
  readonly rows: OutboxRow[] = [];
  reached = 0;
  kills = 0;

  constructor(private readonly step = 1) {}

  put(count: number, text = ''): void {
    for (let i = 0; i < count; i++) {
      const number = (this.rows.at(-1)?.number ?? 0) + this.step;
      this.rows.push({ number, entry: ledgerEntry('ledger.tested', 0, { number, text }) });
    }
  }

  async pending(after: number, limit: number): Promise<readonly OutboxRow[]> {
    return this.rows.filter(({ number }) => number > after).slice(0, limit);
  }

  async done(upTo: number): Promise<void> {
    if (this.kills-- > 0) throw new Killed();
    this.reached = Math.max(this.reached, upTo);
  }
}

interface Opened {
  readonly keyless: KeylessStore;
  close(): Promise<void>;
}

describe.each<[string, () => Promise<Opened>]>([
  [
    'the embedded store',
    async () => {
      const keyless = openEmbeddedStore({ file: join(freshDataDir('outbox'), 'ledger.sqlite') });
      return { keyless, close: () => keyless.close() };
    },
  ],
  [
    'EventStoreDB',
    async () => {
      const standIn = await startEventStoreDbStandIn();
      const keyless = await openEventStoreDb({ connectionString: standIn.connectionString });
      return {
        keyless,
        close: async () => {
          await keyless.close();
          await standIn.stop();
        },
      };
    },
  ],
])('an outbox, drained into %s', (_, open) => {
  let opened: Opened;
  let store: EventStore;
  let lane: string;
  beforeAll(async () => {
    opened = await open();
    store = authentic(opened.keyless);
  });
  afterAll(() => opened.close());
  beforeEach(() => {
    lane = laneName();
  });

  const stored = async (): Promise<unknown[]> => {
    const numbers: unknown[] = [];
    for await (const { foreign, metadata, data } of store.readStream(lane)) {
      if (foreign) continue;
      expect(metadata['outbox']).toBe(data['number']);
      numbers.push(data['number']);
    }
    return numbers;
  };
  const all = (table: Table): number[] => table.rows.map(({ number }) => number);

  it('is in its lane once and in order, row by row, whatever gaps its numbers have', async () => {
    const table = new Table(3);
    expect(await drainOutbox(store, lane, table)).toBe(0);
    table.put(250);
    expect(await drainOutbox(store, lane, table)).toBe(250);
    table.put(1);
    expect(await drainOutbox(store, lane, table)).toBe(1);
    expect(await drainOutbox(store, lane, table)).toBe(0);
    expect(await stored()).toEqual(all(table));
    expect(table.reached).toBe(753);
  });

  it('is so too when whoever drains it is killed between the append and the table', async () => {
    const table = new Table();
    for (let kill = 0; kill < 5; kill++) {
      table.put(2);
      table.kills = 1;
      await expect(drainOutbox(store, lane, table)).rejects.toBeInstanceOf(Killed);
      if (kill % 2 === 0) await drainOutbox(store, lane, table);
    }
    await drainOutbox(store, lane, table);
    expect(await stored()).toEqual(all(table));
    expect(table.reached).toBe(10);
  });

  it.each<StoreFault>(['fail before', 'fail after'])('is so too when an append does "%s"', async (fault) => {
    const table = new Table();
    const faulty = new FaultyStore(store);
    for (let round = 0; round < 3; round++) {
      table.put(3);
      faulty.faults = [fault, fault];
      await drainOutbox(faulty, lane, table);
    }
    expect(await stored()).toEqual(all(table));
    faulty.faults = ['unavailable'];
    table.put(1);
    await expect(drainOutbox(faulty, lane, table)).rejects.toBeInstanceOf(StoreUnavailable);
  });

  it('is so too when several drain it at once, and somebody else writes into the lane', async () => {
    const table = new Table();
    let appended = 0;
    for (let round = 0; round < 10; round++) {
      table.put(round + 1);
      const strange = { id: crypto.randomUUID(), type: 'x', data: '{"number":1}', metadata: '{"outbox":999}' };
      const intruding = intrude(opened.keyless, lane, strange).catch(() => undefined);
      const drained = await Promise.all([1, 2, 3].map(() => drainOutbox(store, lane, table)));
      await intruding;
      appended += Math.max(...drained);
    }
    await drainOutbox(store, lane, table);
    expect(await stored()).toEqual(all(table));
    expect(appended).toBeGreaterThan(0);
  });

  it('goes in as many appends as it takes', async () => {
    const table = new Table();
    table.put(7, 'x'.repeat(MAX_APPEND_BYTES / 3));
    await drainOutbox(store, lane, table);
    expect(await stored()).toEqual(all(table));
  });

  it('is not drained into a lane that has something else', async () => {
    const table = new Table();
    table.put(1);
    await store.append(lane, [ledgerEntry('ledger.tested', 0, {})], 'no_stream');
    await expect(drainOutbox(store, lane, table)).rejects.toThrow('comes from no outbox');
    expect(LANES.vault).not.toBe(LANES.access);
  });
});

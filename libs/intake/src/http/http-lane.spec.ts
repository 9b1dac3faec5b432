import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  LaneClosed,
  LaneLost,
  LaneTakenOver,
  openEmbeddedStore,
  type EventStore,
  type NewEntry,
} from '@sijill/event-store';
import { claimOf, createLogger, type Claim } from '@sijill/platform';
import { HttpLane, LaneElsewhere } from './http-lane.js';

const entry = (): NewEntry => ({ id: randomUUID(), type: 't', data: {}, metadata: { format: 2 } });

describe('the HTTP lane of a node id', () => {
  let folder: string;
  let store: EventStore;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-http-lane-'));
    store = openEmbeddedStore({ file: join(folder, 'ledger.sqlite') });
  });
  afterEach(() => store.close());

  const open = (claim: Claim): Promise<HttpLane> =>
    HttpLane.open(store, {
      nodeId: 'node-1',
      claim,
      pendingBytes: 1_000_000,
      logger: createLogger('silent'),
      retryMs: 20,
    });
  const claim = (): Claim => claimOf({ kind: 'sqlite', file: join(folder, 'server.lock') }, 'http lane');
  const stored = async (): Promise<string[]> => {
    const ids: string[] = [];
    for await (const { id } of store.readStream('ledger-http/node-1')) ids.push(id);
    return ids;
  };
  const until = async (satisfied: () => boolean): Promise<void> => {
    while (!satisfied()) await new Promise((resolve) => setTimeout(resolve, 10));
  };

  it('has one writer: a second server refuses, says why, and takes over when the first is gone', async () => {
    const first = await open(claim());
    const second = await open(claim());
    await first.append([entry()]);
    await expect(second.append([entry()])).rejects.toThrow(LaneElsewhere);
    expect(first.failure).toBeNull();
    expect(second.failure).toMatch(/SIJILL_NODE_ID/);
    expect(await stored()).toHaveLength(1);
    await first.close();
    await until(() => second.failure === null);
    await second.append([entry()]);
    expect(await stored()).toHaveLength(2);
    await second.close();
  });

  it('is kept by the store when two believe that it is theirs, and what was acknowledged is there once', async () => {
    const granted = (): Claim => ({ take: async () => true, release: async () => undefined });
    const servers = [await open(granted()), await open(granted())];
    const acknowledged: string[] = [];
    const refusals: unknown[] = [];
    for (let i = 0; i < 40; i++) {
      const sent = entry();
      await servers[i % 2]!.append([sent]).then(
        () => acknowledged.push(sent.id),
        (error: unknown) => refusals.push(error),
      );
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    expect(refusals.length).toBeGreaterThan(0);
    expect(refusals.every((error) => [LaneTakenOver, LaneElsewhere].some((kind) => error instanceof kind))).toBe(true);
    expect(await stored()).toEqual(acknowledged);
    for (const server of servers) await server.close();
  });

  it('is given up when the claim is lost, and taken up again when it can be had', async () => {
    let lose: () => void = () => undefined;
    let free = true;
    const http = await open({
      take: async (onLost) => {
        lose = onLost;
        return free;
      },
      release: async () => undefined,
    });
    await http.append([entry()]);
    free = false;
    lose();
    await expect(http.append([entry()])).rejects.toThrow(LaneClosed);
    await until(() => http.failure?.includes('another server') === true);
    await expect(http.append([entry()])).rejects.toThrow(LaneElsewhere);
    free = true;
    await until(() => http.failure === null);
    await http.append([entry()]);
    expect(await stored()).toHaveLength(2);
    await http.close();
  });

  it('says that the store is another one, or was cut, and takes nothing before what was acknowledged is there again', async () => {
    const whole = store;
    const other = openEmbeddedStore({ file: join(folder, 'other.sqlite') });
    const name = 'ledger-http/node-1';
    await other.append(name, [entry()], 'no_stream');
    let current: EventStore = whole;
    const swapped = new Proxy(whole, { get: (_, key) => Reflect.get(current, key).bind(current) });
    store = swapped;
    const http = await open(claim());
    for (let i = 0; i < 3; i++) await http.append([entry()]);
    current = other;
    await expect(http.append([entry()])).rejects.toThrow(LaneLost);
    // It asks for the lane again and again, and is told the same.
    for (const end = Date.now() + 200; Date.now() < end;) {
      expect(http.failure).toMatch(/^LaneLost: lane ledger-http\/node-1 ends at 0, and revision 2 of it was stored/);
      await expect(http.append([entry()])).rejects.toThrow(LaneLost);
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    current = whole;
    await until(() => http.failure === null);
    await http.append([entry()]);
    expect(await stored()).toHaveLength(4);
    await http.close();
    await other.close();
    store = whole;
  });
});

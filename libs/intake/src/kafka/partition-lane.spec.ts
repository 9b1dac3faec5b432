import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore, type EventStore, type NewEntry } from '@sijill/event-store';
import { newEntryId } from '@sijill/platform';
import { kafkaArrival, PartitionLane } from './partition-lane.js';

const made = (offset: number): NewEntry[] => [
  { id: newEntryId(), type: 't', data: {}, metadata: kafkaArrival('topic', 0, offset) },
];

describe('the lane of a partition', () => {
  let store: EventStore;
  const open = (): Promise<PartitionLane> => PartitionLane.open(store, 'topic', 0, () => undefined);
  beforeEach(() => {
    store = openEmbeddedStore({ file: join(mkdtempSync(join(tmpdir(), 'sijill-lane-')), 'ledger.sqlite') });
  });
  afterEach(() => store.close());

  it('writes no offset twice, whoever asks: not behind an append under way, and not again after it', async () => {
    const lane = await open();
    const first = lane.append(0, 1, [made(0), made(1)]);
    await expect(lane.append(0, 1, [made(0), made(1)])).rejects.toThrow('out of turn');
    await first;
    await expect(lane.append(1, 2, [made(1), made(2)])).rejects.toThrow('out of turn');
    await lane.append(2, 2, [made(2)]);
    expect((await open()).nextOffset).toBe(3);
  });

  it('is taken up in the middle of a record that was cut', async () => {
    const part = (index: number): NewEntry => ({
      id: newEntryId(),
      type: 't',
      data: { index },
      metadata: { ...kafkaArrival('topic', 0, 7), part: { index, of: 3 } },
    });
    await store.append(PartitionLane.nameOf('topic', 0), [part(0), part(1)], 'no_stream');
    const lane = await open();
    expect(lane.nextOffset).toBe(7);
    await lane.append(7, 8, [[part(0), part(1), part(2)], made(8)]);
    const stored: unknown[] = [];
    for await (const { data } of store.readStream(PartitionLane.nameOf('topic', 0))) stored.push(data['index']);
    expect(stored).toEqual([0, 1, 2, undefined]);
  });
});

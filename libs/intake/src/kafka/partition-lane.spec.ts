import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openEmbeddedStore, type EventStore, type JsonObject, type NewEntry } from '@sijill/event-store';
import { newEntryId } from '@sijill/platform';
import { missedRecords } from './missed-records.js';
import { kafkaArrival, PartitionLane, type PlacedRecord } from './partition-lane.js';

const PARTITION = { cluster: 'one', topic: 'topic', partition: 0 };

const record = (offset: number, value = 'four', timestamp = 1_000 + offset): PlacedRecord => ({
  offset: String(offset),
  timestamp: String(timestamp),
  value: Buffer.from(value),
});

const entry = (offset: number, data: JsonObject = {}, metadata: JsonObject = {}): NewEntry => ({
  id: newEntryId(),
  type: 't',
  data,
  metadata: { ...kafkaArrival(PARTITION, record(offset)), ...metadata },
});

const write = (lane: PartitionLane, ...offsets: number[]): Promise<void> =>
  lane.append(
    offsets.map((offset) => record(offset)),
    offsets.map(made),
  );

const made = (offset: number): NewEntry[] => [entry(offset)];

describe('the lane of a partition', () => {
  let store: EventStore;
  const changed: number[] = [];
  const open = (partition = PARTITION): Promise<PartitionLane> =>
    PartitionLane.open(
      store,
      partition,
      () => undefined,
      (offset) => changed.push(offset),
    );
  const stored = async (): Promise<JsonObject[]> => {
    const data: JsonObject[] = [];
    for await (const each of store.readStream(PartitionLane.nameOf(PARTITION))) data.push(each.data);
    return data;
  };
  beforeEach(() => {
    changed.length = 0;
    store = openEmbeddedStore({ file: join(mkdtempSync(join(tmpdir(), 'sijill-lane-')), 'ledger.sqlite') });
  });
  afterEach(() => store.close());

  it('writes no offset twice, whoever asks: not behind an append under way, and not again after it', async () => {
    const lane = await open();
    const first = write(lane, 0, 1);
    await expect(write(lane, 0, 1)).rejects.toThrow('out of turn');
    await first;
    await expect(write(lane, 1, 2)).rejects.toThrow('out of turn');
    await write(lane, 2);
    expect((await open()).nextOffset).toBe(3);
  });

  it('is that of one cluster: the same topic of another has a lane of its own', async () => {
    await write(await open(), 0, 1);
    expect(PartitionLane.nameOf(PARTITION)).toBe('ledger-kafka/one/topic/0');
    expect((await open({ ...PARTITION, cluster: 'other' })).nextOffset).toBe(0);
  });

  describe('in the middle of a record that was cut', () => {
    const part = (index: number, of = 3, person = `person-${index}`): NewEntry =>
      entry(
        7,
        { index, subjectId: person },
        { part: { index, of }, event: { generation: '2026Q3', tag: 'tag', digest: 'digest' } },
      );
    beforeEach(() => store.append(PartitionLane.nameOf(PARTITION), [part(0), part(1)], 'no_stream'));

    it('is taken up behind what is there', async () => {
      const lane = await open();
      expect([lane.nextOffset, lane.endOffset, lane.endsInside]).toEqual([7, 8, true]);
      await lane.append([record(7), record(8)], [[part(0), part(1), part(2)], made(8)]);
      expect((await stored()).map(({ index }) => index)).toEqual([0, 1, 2, undefined]);
      expect(changed).toEqual([]);
    });

    it.each<[string, NewEntry[]]>([
      ['more people', [0, 1, 2, 3].map((index) => part(index, 4))],
      ['fewer, perhaps none that can be read', [entry(7)]],
      ['the same number, in another order', [1, 0, 2].map((person, index) => part(index, 3, `person-${person}`))],
      [
        'other content',
        [0, 1, 2].map((i) => ({ ...part(i), metadata: { ...part(i).metadata, event: { tag: 'other' } } })),
      ],
    ])(
      'and is other entries now (%s), writes the record whole, and nothing less of its neighbours',
      async (_, whole) => {
        const lane = await open();
        await lane.append(
          [7, 8, 9].map((offset) => record(offset)),
          [whole, made(8), made(9)],
        );
        expect(await stored()).toEqual([part(0).data, part(1).data, ...whole.map(({ data }) => data), {}, {}]);
        expect(changed).toEqual([7]);
        expect((await open()).nextOffset).toBe(10);
      },
    );

    it('holds its end against the record that was cut', async () => {
      const lane = await open();
      expect(lane.readFrom).toBe(7);
      expect(lane.findOther([record(7, 'another')])).toMatchObject({ offset: 7, size: 7 });
    });
  });

  describe('before it goes on', () => {
    beforeEach(async () => write(await open(), 0, 1, 2, 3, 4, 5));

    it('is read from its last record, and held against what stands there', async () => {
      const lane = await open();
      expect([lane.readFrom, lane.nextOffset, lane.endOffset]).toEqual([5, 6, 6]);
      expect(lane.findOther([record(3), record(4)])).toBeNull();
      expect(lane.readFrom).toBe(5);
      expect(lane.findOther([record(4), record(5), record(6)])).toBeNull();
      expect(lane.readFrom).toBe(6);
    });

    it.each([
      ['another time', record(5, 'four', 1_006)],
      ['another size', record(5, 'fives')],
      ['no value', { ...record(5), value: null }],
      ['no time', { offset: '5', value: Buffer.from('four') }],
    ])('tells another record by %s, however often it is asked', async (_, other) => {
      const lane = await open();
      for (let i = 0; i < 2; i++) expect(lane.findOther([record(4), other, record(6)])).toMatchObject({ offset: 5 });
      expect(lane.readFrom).toBe(5);
    });

    it('goes on where that record is gone, as compaction leaves it', async () => {
      const lane = await open();
      expect(lane.findOther([record(6)])).toBeNull();
      expect(lane.readFrom).toBe(6);
    });

    it('and whenever that record is read again: a reader whose place is gone is set back to the beginning', async () => {
      const lane = await open();
      await write(lane, 6, 7);
      expect(lane.findOther([record(6), record(7), record(8)])).toBeNull();
      expect(lane.findOther([record(6), record(7, 'another'), record(8)])).toMatchObject({ offset: 7 });
    });

    it('again after a while in which the topic may have been made anew', async () => {
      const lane = await open();
      expect(lane.doubt()).toBe(false);
      await write(lane, 6, 7);
      expect([lane.readFrom, lane.doubt(), lane.readFrom, lane.doubt()]).toEqual([8, true, 7, false]);
      expect(lane.findOther([record(7), record(8)])).toBeNull();
      expect(lane.readFrom).toBe(8);
    });

    it('has nothing to hold against the broker where it ends with what was missed', async () => {
      await (await open()).passOver(9, missedRecords(PARTITION, 6, 9, { now: () => 0 }));
      const lane = await open();
      expect([lane.readFrom, lane.nextOffset]).toEqual([9, 9]);
    });
  });
});

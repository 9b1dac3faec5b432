import { jest } from '@jest/globals';
import { QUARANTINED, RECORDS_MISSED } from '@sijill/intake';
import { ConfigResourceTypes, type Message } from 'kafkajs';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { KafkaLedger, offsetsOf, range, sequencesOf } from '../support/kafka/kafka-ledger.js';
import { uniqueTopic } from '../support/kafka/topics.js';
import { eventually } from '../support/sijill.js';

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describeWithKafka('what may happen to a partition', (kafka) => {
  let over: KafkaLedger;
  let topic: string;

  /** As retention does it: everything before an offset is gone. */
  const forget = (offset: string): Promise<void> =>
    over.admin(async (client) => {
      // The client looks the leader up in metadata that only other calls load.
      await client.fetchTopicOffsets(topic);
      await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
    });

  beforeEach(async () => {
    topic = await kafka.freshTopic();
    over = await KafkaLedger.open({ brokers: kafka.brokers, topic });
  });
  afterEach(() => over.close());

  it('records that retention took before they were read are an entry, an alarm, and no obstacle', async () => {
    await over.send(100);
    await forget('40');
    over.start();
    const first = await over.stored(61);
    expect(first[0]).toMatchObject({
      type: RECORDS_MISSED,
      data: { topic, partition: 0, from: 0, to: 40, count: 40, cause: 'retention' },
    });
    expect(offsetsOf(first)).toEqual(range(39, 100));
    await over.stop();

    await over.send(50);
    await forget('120');
    over.start();
    const all = await over.stored(61 + 31);
    expect(all[61]).toMatchObject({ type: RECORDS_MISSED, data: { from: 100, to: 120, count: 20 } });
    expect(offsetsOf(all.slice(61))).toEqual(range(119, 150));
    const figure = await over.ledger.metrics.kafkaMissed.get();
    expect(figure.values.find(({ labels }) => labels.topic === topic)?.value).toBe(60);
  }, 120_000);

  it('records that retention takes while the intake cannot keep up are noted where they are missing', async () => {
    // More than one fetch brings.
    const count = 1_000;
    const vault = jest.spyOn(over.ledger.maker, 'make').mockRejectedValue(new Error('the database does not answer'));
    const large = over.messages(count).map((message) => ({ ...message, value: message.value + ' '.repeat(8_192) }));
    for (let from = 0; from < count; from += 50) await over.send(large.slice(from, from + 50));
    const intake = over.start();
    await eventually(
      async () => intake.health,
      ({ detail }) => detail === 'Error',
    );
    await forget(String(count - 100));
    vault.mockRestore();
    const entries = await eventually(
      () => over.lane(),
      (found) => offsetsOf(found).at(-1) === count - 1,
      60_000,
    );
    const gap = entries.findIndex(({ type }) => type === RECORDS_MISSED);
    // What had been fetched before it was gone is there.
    expect(gap).toBeGreaterThan(0);
    expect(entries[gap]).toMatchObject({ data: { from: gap, to: count - 100, count: count - 100 - gap } });
    expect(offsetsOf(entries)).toEqual([...range(0, gap), ...range(count - 101, count)]);
  }, 120_000);

  it('gaps that transactions leave are none: what was committed is stored, what was not is not, no entry is made up', async () => {
    const producer = over.client.producer({ transactionalId: `t-${topic}`, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    over.start();
    for (const outcome of ['commit', 'abort', 'commit', 'abort', 'commit'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: over.messages(3) });
      await transaction[outcome]();
      await pause(400);
    }
    await producer.disconnect();
    const entries = await over.stored(9);
    expect(offsetsOf(entries)).toEqual([0, 1, 2, 8, 9, 10, 16, 17, 18]);
    expect(entries.every(({ type }) => type === 'sijill.data.disclosed.v1')).toBe(true);
  }, 120_000);

  it('transactions that interleave leave nothing of those that were aborted, in whatever order they end', async () => {
    const producers = range(0, 3).map((i) =>
      over.client.producer({ transactionalId: `t${i}-${topic}`, maxInFlightRequests: 1, idempotent: true }),
    );
    const committed: number[] = [];
    let next = 0;
    for (const producer of producers) await producer.connect();
    for (const commits of [
      [false, false, true],
      [false, true, false],
      [true, false, false],
    ]) {
      const transactions = [];
      for (const producer of producers) transactions.push(await producer.transaction());
      for (let turn = 0; turn < 2; turn++) {
        for (const [i, transaction] of transactions.entries()) {
          // A key of four zero bytes, as a serializer of integers makes it of 0.
          await transaction.send({
            topic,
            messages: over.messages(2).map((message) => ({ ...message, key: Buffer.alloc(4) })),
          });
          if (commits[i]!) committed.push(next, next + 1);
          next += 2;
        }
      }
      // The first to begin is the last to end.
      for (const [i, transaction] of [...transactions.entries()].reverse()) {
        await (commits[i]! ? transaction.commit() : transaction.abort());
        next++;
      }
    }
    // And one that is larger than a fetch.
    const aborted = await producers[0]!.transaction();
    const large = over.messages(640).map((message) => ({ ...message, value: message.value + ' '.repeat(8_192) }));
    for (let from = 0; from < large.length; from += 64)
      await aborted.send({ topic, messages: large.slice(from, from + 64) });
    await aborted.abort();
    next += large.length + 1;
    for (const producer of producers) await producer.disconnect();
    await over.send(1);
    over.start();
    const entries = await eventually(
      () => over.lane(),
      (found) => offsetsOf(found).at(-1) === next,
      30_000,
    );
    expect(offsetsOf(entries)).toEqual([...committed, next]);
  }, 120_000);

  /** Deletes the topic and makes one of the same name. */
  const makeAnew = (numPartitions: number): Promise<void> =>
    over.admin(async (client) => {
      await client.deleteTopics({ topics: [topic] });
      await eventually(
        () => client.listTopics(),
        (topics) => !topics.includes(topic),
      );
      await client.createTopics({ topics: [{ topic, numPartitions }], waitForLeaders: false });
      // The client gives up where one of the brokers' answers is still of the time before.
      await eventually(
        () => client.fetchTopicMetadata({ topics: [topic] }).catch(() => ({ topics: [] })),
        ({ topics }) =>
          topics.some(
            ({ partitions }) => partitions.length === numPartitions && partitions.every(({ leader }) => leader >= 0),
          ),
      );
    });
  const refused = async (partition: number): Promise<number | undefined> => {
    const { values } = await over.ledger.metrics.kafkaRefused.get();
    return values.find(({ labels }) => labels.topic === topic && labels.partition === partition)?.value;
  };

  it('a topic made anew under the same name is not taken for the old one', async () => {
    await over.send(20);
    over.start();
    await over.stored(20);
    await over.stop();
    await makeAnew(1);
    await over.send(5);
    const intake = over.start();
    await eventually(
      async () => intake.health,
      ({ state }) => state === 'waiting',
      60_000,
    );
    expect(intake.health.detail).toMatch(/ends at 5, and 20 records of it are in the ledger/);
    await over.send(30);
    await pause(2_000);
    expect(await over.lane()).toHaveLength(20);
  }, 120_000);

  it('nor one that has as many records as the old one, or more; its new partitions are read', async () => {
    await over.send(20);
    over.start();
    await over.stored(20);
    await over.stop();
    await makeAnew(2);
    await over.send(25);
    await over.send(5, 1);
    const intake = over.start();
    await eventually(
      async () => intake.health,
      ({ state }) => state === 'waiting',
      60_000,
    );
    expect(intake.health.detail).toMatch(
      /the record at offset 19 is not the one .* made anew, or another cluster took/,
    );
    expect(offsetsOf(await over.stored(5, 1))).toEqual(range(0, 5));
    expect([await refused(0), await refused(1)]).toEqual([1, undefined]);
    expect(await over.lane()).toHaveLength(20);
  }, 120_000);

  it('nor one that is made anew, and filled, while its reader goes on', async () => {
    await over.send(20);
    const intake = over.start();
    await over.stored(20);
    await makeAnew(1);
    await over.send(25);
    await eventually(
      async () => intake.health,
      ({ detail }) => /made anew/.test(detail ?? ''),
      60_000,
    );
    expect(await over.lane()).toHaveLength(20);
  }, 120_000);

  it('says of each record where it stood, when it was made and how large it was', async () => {
    const timestamp = Date.UTC(2026, 6, 1);
    const [sound] = over.messages(1);
    const value = '{"specversion":';
    await over.send([
      { ...sound!, timestamp: String(timestamp) },
      { value, timestamp: String(timestamp + 1) },
    ]);
    await over.send([{ value: null, timestamp: String(timestamp + 2) }]);
    over.start();
    const size = Buffer.byteLength(sound!.value);
    const { cluster } = over;
    expect((await over.stored(3)).map(({ metadata }) => metadata['kafka'])).toEqual([
      { cluster, topic, partition: 0, offset: 0, timestamp, size },
      { cluster, topic, partition: 0, offset: 1, timestamp: timestamp + 1, size: value.length },
      { cluster, topic, partition: 0, offset: 2, timestamp: timestamp + 2, size: 0 },
    ]);
  }, 60_000);

  it('what its producer may not say goes to quarantine; once the producer is retired, all of it', async () => {
    const by = { name: 'tests', principal: 'ledger' };
    const { producers } = over.ledger;
    const codesOf = async (count: number) =>
      (await over.stored(count)).map(({ type, data, metadata }) => [
        type === QUARANTINED ? (data['reason'] as { code: string }).code : type,
        metadata['producer'],
        metadata['principal'],
      ]);
    const event = ['sijill.data.disclosed.v1', topic, `topic/${topic}`];
    const kept = (code: string) => [code, topic, `topic/${topic}`];
    await over.send(1);
    over.start();
    expect(await codesOf(1)).toEqual([event]);
    await producers.change(topic, { sources: ['/billing'] }, by);
    await over.send(1);
    expect((await codesOf(2))[1]).toEqual(kept('foreign_source'));
    await producers.change(topic, { sources: ['/billing', '/sms'] }, by);
    await over.send(1);
    expect((await codesOf(3))[2]).toEqual(event);
    await producers.retire(topic, by);
    await over.send([...over.messages(1), { value: 'none' }]);
    expect((await codesOf(5)).slice(3)).toEqual([kept('producer_unknown'), kept('producer_unknown')]);
  }, 60_000);

  it('offsets that an operator resets are no matter, whichever way', async () => {
    await over.send(30);
    over.start();
    await over.stored(30);
    for (const offset of ['0', '35', '60']) {
      await over.stop();
      await over.send(10);
      await eventually(
        () =>
          over.admin((client) =>
            client.setOffsets({ groupId: `group-${topic}`, topic, partitions: [{ partition: 0, offset }] }).then(
              () => true,
              () => false,
            ),
          ),
        (done) => done,
      );
      over.start();
      const before = (await over.lane()).length;
      await over.stored(before + 10);
    }
    expect(offsetsOf(await over.lane())).toEqual(range(0, 60));
  }, 120_000);

  it('partitions that are added are read, from their beginning', async () => {
    await over.send(5);
    over.start();
    await over.stored(5);
    await over.admin((client) => client.createPartitions({ topicPartitions: [{ topic, count: 2 }] }));
    await over.send(7, 1);
    expect(offsetsOf(await over.stored(7, 1))).toEqual(range(0, 7));
  }, 120_000);

  it('holes that compaction leaves are none, wherever the lane stood', async () => {
    await over.admin((client) =>
      client.alterConfigs({
        validateOnly: false,
        resources: [
          {
            type: ConfigResourceTypes.TOPIC,
            name: topic,
            configEntries: [
              { name: 'cleanup.policy', value: 'compact' },
              { name: 'segment.ms', value: '100' },
              { name: 'min.cleanable.dirty.ratio', value: '0.001' },
            ],
          },
        ],
      }),
    );
    const keyed = (keys: readonly string[]) =>
      over.messages(keys.length).map((message, i) => ({ ...message, key: keys[i]! }));
    await over.send(keyed(range(0, 10).map((i) => `first-${i}`)));
    over.start();
    await over.stored(10);
    await over.stop();
    // The record at the lane's end is among those that go, and every third after it.
    await over.send(keyed(range(10, 40).map((i) => (i % 3 === 1 ? 'again' : `second-${i}`))));
    await pause(200);
    // The segment that is written to is never compacted.
    await over.send(keyed(['last']));
    const there = await eventually(
      () => offsetsInTopic(over),
      (offsets) => offsets.length < 41,
      60_000,
    );
    expect(there).toEqual(range(0, 41).filter((i) => i < 10 || i % 3 !== 1 || i === 37 || i === 40));
    over.start();
    const entries = await over.stored(there.length);
    expect(offsetsOf(entries)).toEqual(there);
    expect(entries.every(({ type }) => type === 'sijill.data.disclosed.v1')).toBe(true);
  }, 120_000);

  it('one record in a hundred that nobody can read goes to quarantine, each at its offset, and stops no other', async () => {
    const kinds: [string, (sound: Message) => Message][] = [
      ['invalid_json', (sound) => ({ ...sound, value: (sound.value as string).slice(0, -1) })],
      ['no_value', (sound) => ({ ...sound, value: null })],
      ['invalid_utf8', (sound) => ({ ...sound, value: Buffer.concat([Buffer.from(sound.value!), Buffer.of(0xc3)]) })],
      [
        'unknown_type',
        (sound) => ({ ...sound, value: (sound.value as string).replace('data.disclosed', 'data.sold') }),
      ],
      ['event_too_large', (sound) => ({ ...sound, value: `${sound.value as string}${' '.repeat(256 * 1024)}` })],
    ];
    const count = 4_000;
    const poison = new Map(range(0, count / 100).map((i) => [i * 100 + 37, kinds[i % kinds.length]!]));
    const messages: Message[] = over.messages(count).map((sound, i) => poison.get(i)?.[1](sound) ?? sound);
    over.start();
    for (let from = 0; from < count; from += 500) await over.send(messages.slice(from, from + 500));
    const entries = await over.stored(count);
    expect(offsetsOf(entries)).toEqual(range(0, count));
    const found = entries.map(({ type, data, metadata }) =>
      type === QUARANTINED ? (data['reason'] as { code: string }).code : metadata['sequence'],
    );
    expect(found).toEqual(range(0, count).map((i) => poison.get(i)?.[0] ?? String(i)));
  }, 120_000);

  it('two that both hold themselves for its reader store each record once, in order', async () => {
    const env = { SIJILL_DATA_DIR: over.config.dataDir, SIJILL_KAFKA_GROUP: `zombie-${topic}` };
    const zombie = await KafkaLedger.open({ brokers: kafka.brokers, topic, env });
    let takenOver = 0;
    for (const { logger } of [over.ledger, zombie.ledger])
      jest.spyOn(logger, 'error').mockImplementation(() => void takenOver++);
    try {
      over.start();
      zombie.start();
      for (let i = 0; i < 40; i++) await over.send(50);
      const entries = await over.stored(2_000);
      await Promise.all([over.stop(), zombie.stop()]);
      expect(takenOver).toBeGreaterThan(0);
      expect(offsetsOf(await over.lane())).toEqual(range(0, 2_000));
      expect(sequencesOf(entries)).toEqual(range(0, 2_000));
    } finally {
      await zombie.close();
    }
  }, 120_000);
});

/** What is left of a topic of one partition, as a consumer of its own sees it. */
async function offsetsInTopic({ client, topic }: KafkaLedger): Promise<number[]> {
  const consumer = client.consumer({ groupId: uniqueTopic('look'), sessionTimeout: 10_000 });
  const offsets: number[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  await new Promise<void>((done) => {
    void consumer.run({
      eachBatch: async ({ batch }) => {
        offsets.push(...batch.messages.map(({ offset }) => Number(offset)));
        if (Number(batch.highWatermark) === Number(batch.lastOffset()) + 1) done();
      },
    });
  });
  await consumer.disconnect();
  return offsets;
}

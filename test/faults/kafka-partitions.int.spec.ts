import { join } from 'node:path';
import { KafkaIntake, RECORDS_MISSED } from '@sijill/intake';
import { openLedger, type Ledger } from '@sijill/ledger';
import { createLogger, parseConfig } from '@sijill/platform';
import type { StoredEntry } from '@sijill/event-store';
import { disclosed } from '../support/events.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const headers = { 'content-type': 'application/cloudevents+json' };

describeWithKafka('what may happen to a partition', (kafka) => {
  let ledger: Ledger;
  let topic: string;
  let intake: KafkaIntake | undefined;
  let sent = 0;

  const admin = async <T>(
    work: (admin: ReturnType<ReturnType<typeof kafka.client>['admin']>) => Promise<T>,
  ): Promise<T> => {
    const client = kafka.client().admin();
    await client.connect();
    try {
      return await work(client);
    } finally {
      await client.disconnect();
    }
  };
  const messages = (count: number) =>
    Array.from({ length: count }, () => ({
      value: JSON.stringify(disclosed('+966500000042', { id: `e-${sent++}` })),
      headers,
    }));
  const send = async (count: number, partition = 0): Promise<void> => {
    const producer = kafka.client().producer();
    await producer.connect();
    await producer.send({ topic, messages: messages(count).map((message) => ({ ...message, partition })) });
    await producer.disconnect();
  };
  const start = (options: { silenceMs?: number } = {}): KafkaIntake => {
    const config = parseConfig({ SIJILL_KAFKA_BROKERS: kafka.brokers.join(','), SIJILL_KAFKA_TOPICS: topic });
    const { store, maker, quarantine, clock, metrics, logger } = ledger;
    const settings = {
      limits: config.limits,
      defaultRegion: 'SA',
      kafka: { ...config.kafka!, group: `g-${topic}` },
      ...options,
    };
    const started = new KafkaIntake(store, maker, quarantine, clock, settings, metrics, logger);
    started.start();
    intake = started;
    return started;
  };
  const lane = async (partition = 0): Promise<StoredEntry[]> => {
    const found: StoredEntry[] = [];
    for await (const batch of ledger.store.readAll())
      found.push(...batch.filter(({ stream }) => stream === `ledger-${topic}-${partition}`));
    return found;
  };
  const stored = (count: number, partition = 0) =>
    eventually(
      () => lane(partition),
      (entries) => entries.length >= count,
      60_000,
    );
  const offsets = (entries: readonly StoredEntry[]): number[] =>
    entries.map(({ metadata }) => (metadata['kafka'] as { offset: number }).offset);
  /** As retention does it: everything before an offset is gone. */
  const forget = (offset: string): Promise<void> =>
    admin(async (client) => {
      // The client looks the leader up in metadata that only other calls load.
      await client.fetchTopicOffsets(topic);
      await client.deleteTopicRecords({ topic, partitions: [{ partition: 0, offset }] });
    });
  const range = (from: number, to: number): number[] => Array.from({ length: to - from }, (_, i) => from + i);

  beforeEach(async () => {
    topic = await kafka.freshTopic();
    const config = parseConfig({ SIJILL_DATA_DIR: join(freshDataDir('partitions')), SIJILL_LOG_LEVEL: 'silent' });
    ledger = await openLedger(config, { logger: createLogger('silent'), ownLane: 'ledger-test' });
  });
  afterEach(async () => {
    await intake?.stop();
    await ledger.close();
  });

  it('records that retention took before they were read are an entry, an alarm, and no obstacle', async () => {
    await send(100);
    await forget('40');
    start();
    const first = await stored(61);
    expect(first[0]).toMatchObject({
      type: RECORDS_MISSED,
      data: { topic, partition: 0, from: 0, to: 40, count: 40, cause: 'retention' },
    });
    expect(offsets(first)).toEqual(range(39, 100));
    await intake!.stop();

    await send(50);
    await forget('120');
    start();
    const all = await stored(61 + 31);
    expect(all[61]).toMatchObject({ type: RECORDS_MISSED, data: { from: 100, to: 120, count: 20 } });
    expect(offsets(all.slice(61))).toEqual(range(119, 150));
    const figure = await ledger.metrics.kafkaMissed.get();
    expect(figure.values.find(({ labels }) => labels.topic === topic)?.value).toBe(60);
  }, 120_000);

  it('gaps that transactions leave are none: what was committed is stored, what was not is not, no entry is made up', async () => {
    const producer = kafka
      .client()
      .producer({ transactionalId: `t-${topic}`, maxInFlightRequests: 1, idempotent: true });
    await producer.connect();
    start();
    for (const outcome of ['commit', 'abort', 'commit', 'abort', 'commit'] as const) {
      const transaction = await producer.transaction();
      await transaction.send({ topic, messages: messages(3) });
      await transaction[outcome]();
      await new Promise((resolve) => setTimeout(resolve, 400));
    }
    await producer.disconnect();
    const entries = await stored(9);
    expect(offsets(entries)).toEqual([0, 1, 2, 8, 9, 10, 16, 17, 18]);
    expect(entries.every(({ type }) => type === 'sijill.data.disclosed.v1')).toBe(true);
  }, 120_000);

  it('a topic made anew under the same name is not taken for the old one', async () => {
    await send(20);
    start();
    await stored(20);
    await intake!.stop();
    await admin(async (client) => {
      await client.deleteTopics({ topics: [topic] });
      await eventually(
        () => client.listTopics(),
        (topics) => !topics.includes(topic),
      );
      await client.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
    });
    await send(5);
    start();
    await eventually(
      async () => intake!.health,
      ({ state }) => state === 'waiting',
      60_000,
    );
    expect(intake!.health.detail).toMatch(/ends at 5, and 20 records of it are in the ledger/);
    await send(30);
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    expect(await lane()).toHaveLength(20);
  }, 120_000);

  it('offsets that an operator resets are no matter, whichever way', async () => {
    await send(30);
    start();
    await stored(30);
    for (const offset of ['0', '35']) {
      await intake!.stop();
      await send(10);
      await eventually(
        () =>
          admin((client) =>
            client.setOffsets({ groupId: `g-${topic}`, topic, partitions: [{ partition: 0, offset }] }).then(
              () => true,
              () => false,
            ),
          ),
        (done) => done,
      );
      start();
      const before = (await lane()).length;
      await stored(before + 10);
    }
    expect(offsets(await lane())).toEqual(range(0, 50));
  }, 120_000);

  it('partitions that are added are read, from their beginning', async () => {
    await send(5);
    start();
    await stored(5);
    await admin((client) => client.createPartitions({ topicPartitions: [{ topic, count: 2 }] }));
    await send(7, 1);
    expect(offsets(await stored(7, 1))).toEqual(range(0, 7));
  }, 120_000);

  it('a client that stops without a word is noticed, and started anew', async () => {
    await send(5);
    start({ silenceMs: 2_000 });
    await stored(5);
    // Nothing in its interface tells that it has stopped.
    await (intake! as unknown as { consumer: { stop(): Promise<void> } }).consumer.stop();
    expect(intake!.health.state).toBe('running');
    await send(5);
    expect(offsets(await stored(10))).toEqual(range(0, 10));
  }, 120_000);
});

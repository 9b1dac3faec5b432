import { registerCodecs, type KafkaIntake } from '@sijill/intake';
import { openLedger, type Ledger } from '@sijill/ledger';
import { createLogger, parseConfig } from '@sijill/platform';
import { disclosed } from '../support/events.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { intakeOver } from '../support/kafka/kafka-ledger.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const COMPRESSIONS = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

// The broker compresses what it is sent once more, with the codecs of the Java client: what producers of a platform use.
describeWithKafka('batches in every compression of Kafka', (kafka) => {
  let ledger: Ledger;
  let intake: KafkaIntake;
  const topics: Record<string, string> = {};

  const stored = async (topic: string): Promise<number> => {
    let count = 0;
    for await (const batch of ledger.store.readAll())
      count += batch.filter(({ stream }) => stream.endsWith(`/${topic}/0`)).length;
    return count;
  };
  const send = async (topic: string, count: number): Promise<void> => {
    const producer = kafka.client().producer();
    await producer.connect();
    const messages = Array.from({ length: count }, () => ({
      value: JSON.stringify(disclosed('+966500000042', {}, { details: 'the same again. '.repeat(200) })),
      headers: { 'content-type': 'application/cloudevents+json' },
    }));
    await producer.send({ topic, messages });
    await producer.disconnect();
  };
  const start = async (topic: string): Promise<void> => {
    await ledger.producers.admit(topic, { name: 'tests', principal: 'ledger' });
    const config = parseConfig({
      SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
      SIJILL_KAFKA_TOPICS: topic,
      SIJILL_KAFKA_GROUP: `codecs-${topic}`,
    });
    intake = intakeOver(ledger, config);
    intake.start();
  };

  beforeAll(async () => {
    const config = parseConfig({ SIJILL_DATA_DIR: freshDataDir('codecs'), SIJILL_LOG_LEVEL: 'silent' });
    ledger = await openLedger(config, { logger: createLogger('silent'), ownLane: 'ledger-test' });
    for (const compression of COMPRESSIONS) topics[compression] = await kafka.freshTopic({ compression });
  });
  afterEach(() => intake.stop());
  afterAll(() => ledger.close());

  it.each(COMPRESSIONS)('are read: %s', async (compression) => {
    const topic = topics[compression]!;
    // More than one block of snappy's framing and one frame block of lz4.
    await send(topic, 60);
    await start(topic);
    await eventually(
      () => stored(topic),
      (count) => count === 60,
    );
  });

  it('wait where they are when the codec does not load, with an error that names the cure, and nothing is skipped', async () => {
    const topic = await kafka.freshTopic({ compression: 'zstd' });
    await send(topic, 3);
    await start(topic);
    registerCodecs({ zstd: () => Promise.reject(new Error('no binary for this platform')) });
    await eventually(
      async () => intake.health,
      ({ state }) => state === 'waiting',
    );
    expect(intake.health.detail).toMatch(/zstd.*npm install.*compression\.type=gzip.*nothing is skipped/);
    expect(await stored(topic)).toBe(0);

    registerCodecs();
    await eventually(
      () => stored(topic),
      (count) => count === 3,
      60_000,
    );
  }, 120_000);
});

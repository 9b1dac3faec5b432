import { CompressionTypes, type IHeaders } from 'kafkajs';
import { describeWithKafkaProcess } from '../support/kafka/describe-with-kafka-process.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { createTopics, kafkaClient, uniqueTopic } from '../support/kafka/topics.js';

interface Received {
  readonly partition: number;
  readonly offset: string;
  readonly value: string;
  readonly headers: IHeaders | undefined;
}

/** Reads a topic from its beginning until it has seen `count` records. */
async function readAll(brokers: readonly string[], topic: string, count: number): Promise<Received[]> {
  const consumer = kafkaClient(brokers).consumer({ groupId: uniqueTopic('reader') });
  const received: Received[] = [];
  await consumer.connect();
  try {
    await consumer.subscribe({ topic, fromBeginning: true });
    await new Promise<void>((resolve, reject) => {
      consumer
        .run({
          eachMessage: async ({ partition, message }) => {
            const value = message.value?.toString() ?? '';
            received.push({ partition, offset: message.offset, value, headers: message.headers });
            if (received.length === count) resolve();
          },
        })
        .catch(reject);
    });
  } finally {
    await consumer.disconnect();
  }
  return received;
}

async function send(brokers: readonly string[], topic: string, values: readonly string[]): Promise<void> {
  const producer = kafkaClient(brokers).producer();
  await producer.connect();
  try {
    const headers = { 'content-type': 'application/cloudevents+json' };
    const messages = values.map((value) => ({ key: 'acc-1', value, headers }));
    await producer.send({ topic, acks: -1, compression: CompressionTypes.GZIP, messages });
  } finally {
    await producer.disconnect();
  }
}

describeWithKafka('the broker that specs share', (kafka) => {
  it('gives back gzip-compressed JSON with its headers, in order', async () => {
    const topic = kafka.uniqueTopic();
    const values = [1, 2, 3].map((sequence) => JSON.stringify({ sequence, name: 'سجل' }));
    await send(kafka.brokers, topic, values);
    const received = await readAll(kafka.brokers, topic, values.length);
    expect(received.map(({ value }) => value)).toEqual(values);
    expect(received.map(({ offset }) => offset)).toEqual(['0', '1', '2']);
    expect(received[0]?.headers?.['content-type']?.toString()).toBe('application/cloudevents+json');
  });

  it('makes topics with the partitions a test asks for', async () => {
    const topic = await kafka.freshTopic({ partitions: 3 });
    const admin = kafka.client().admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    await admin.disconnect();
    expect(topics[0]?.partitions).toHaveLength(3);
  });
});

describeWithKafkaProcess('a broker that crashes', (kafka) => {
  it('comes back at the same address with what it had acknowledged', async () => {
    const { brokers } = kafka();
    const topic = uniqueTopic();
    await createTopics(brokers, [topic]);
    await send(brokers, topic, ['before']);
    await kafka().kill();
    await kafka().restart();
    expect(kafka().brokers).toEqual(brokers);
    await send(brokers, topic, ['after']);
    expect((await readAll(brokers, topic, 2)).map(({ value }) => value)).toEqual(['before', 'after']);
  });
});

import type { KafkaConfig } from '@sijill/platform';

/**
 * Hands the demo's traffic to Kafka as a platform service would: structured CloudEvents, no key.
 *
 * All of it goes to one partition: people become known by a phone number first and by an account later, and a message that overtook
 * the sign-up linking the two would make them two persons.
 */
export async function openDemoTopic(
  config: KafkaConfig,
): Promise<{ send(events: readonly object[]): Promise<void>; close(): Promise<void> }> {
  const { Kafka, logLevel, Partitioners } = (await import('kafkajs')).default;
  const client = new Kafka({
    clientId: 'sijill-demo',
    brokers: [...config.brokers],
    logLevel: logLevel.NOTHING,
    ...(config.ssl ? { ssl: true } : {}),
    ...(config.sasl === null ? {} : { sasl: config.sasl as never }),
  });
  const { topic } = config.topics[0]!;
  const admin = client.admin();
  await admin.connect();
  if (!(await admin.listTopics()).includes(topic))
    await admin.createTopics({ topics: [{ topic, numPartitions: 1 }], waitForLeaders: true });
  await admin.disconnect();
  const producer = client.producer({
    idempotent: true,
    maxInFlightRequests: 1,
    // Left alone an idempotent producer tries for ever; this is about a minute.
    retry: { retries: 8 },
    createPartitioner: Partitioners.DefaultPartitioner,
  });
  await producer.connect();
  return {
    send: async (events) => {
      await producer.send({
        topic,
        acks: -1,
        messages: events.map((event) => ({
          partition: 0,
          value: JSON.stringify(event),
          headers: { 'content-type': 'application/cloudevents+json' },
        })),
      });
    },
    close: () => producer.disconnect(),
  };
}

import type { Kafka } from 'kafkajs';
import { describeWith } from '../describe-with.js';
import { ServerNotFound } from '../server-not-found.js';
import { sharedServer } from '../shared-server.js';
import type { KafkaServer } from './kafka-server.js';
import { createTopics, deleteTopics, kafkaClient, uniqueTopic, type TopicOptions } from './topics.js';

/** The run's one broker, as a spec sees it. */
export interface SharedKafka extends Pick<KafkaServer, 'brokers' | 'source'> {
  /** A topic name nobody else has; the broker makes the topic when something is first sent to it. */
  uniqueTopic(prefix?: string): string;
  /** Creates a topic of its own, for a test that cares about partitions or compression. */
  freshTopic(options?: TopicOptions & { prefix?: string }): Promise<string>;
  /** A quiet kafkajs client. */
  client(clientId?: string): Kafka;
}

// The broker is started while this module loads: only specs that import it pay for one.
const found = await sharedServer<Pick<KafkaServer, 'brokers' | 'source'>>('Kafka');

/** A describe block over the run's one Kafka broker; see describeWith for what happens without one. */
export function describeWithKafka(name: string, tests: (kafka: SharedKafka) => void): void {
  if (found instanceof ServerNotFound) {
    describeWith<SharedKafka>(name, found, tests);
    return;
  }
  const topics: string[] = [];
  const kafka: SharedKafka = {
    ...found,
    uniqueTopic: (prefix) => {
      const topic = uniqueTopic(prefix);
      topics.push(topic);
      return topic;
    },
    freshTopic: async ({ prefix, ...options } = {}) => {
      const topic = kafka.uniqueTopic(prefix);
      await createTopics(kafka.brokers, [topic], options);
      return topic;
    },
    client: (clientId) => kafkaClient(kafka.brokers, clientId),
  };
  describeWith(name, kafka, (server) => {
    // Somebody's own broker is left as it was; ours goes away whole.
    afterAll(async () => {
      if (kafka.source === 'environment') await deleteTopics(kafka.brokers, topics);
    });
    tests(server);
  });
}

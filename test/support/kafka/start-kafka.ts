import { noDockerEngine } from '../docker-engine.js';
import { ServerNotFound } from '../server-not-found.js';
import { startDockerKafka } from './kafka-docker.js';
import { startJavaKafka } from './kafka-java.js';
import type { KafkaServer } from './kafka-server.js';

/**
 * A Kafka broker for tests, from the first source there is: `KAFKA_BROKERS`, a Docker engine, Java with Maven.
 *
 * Specs do not call this: they share one broker per run through describe-with-kafka.ts.
 *
 * @throws ServerNotFound when there is none of them
 */
export async function startKafka(): Promise<KafkaServer> {
  const named = process.env['KAFKA_BROKERS'];
  if (named !== undefined && named !== '') {
    const brokers = named.split(',').map((broker) => broker.trim());
    return { brokers, source: 'environment', stop: async () => undefined };
  }
  const noDocker = await noDockerEngine();
  if (noDocker === null) return await startDockerKafka();
  try {
    return await startJavaKafka();
  } catch (error) {
    if (!(error instanceof ServerNotFound)) throw error;
    throw new ServerNotFound('Kafka', ['KAFKA_BROKERS is not set', noDocker, ...error.tried]);
  }
}

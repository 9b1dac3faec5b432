import { describeWith } from '../describe-with.js';
import { ServerNotFound } from '../server-not-found.js';
import { startJavaKafka } from './kafka-java.js';
import { mavenJars } from '../maven-jars.js';
import type { KafkaProcess } from './kafka-server.js';

const START_LIMIT_MS = 120_000;

const found = await mavenJars({ what: 'Kafka', folder: import.meta.dirname }).then(
  () => ({}),
  (error: unknown) => {
    if (error instanceof ServerNotFound) return error;
    throw error;
  },
);

/**
 * A describe block over a broker of its own, which its tests may kill and restart. It costs about three seconds; a
 * test that breaks nothing wants describeWithKafka.
 *
 * @param tests gets a function that gives the broker, to be called in hooks and tests
 */
export function describeWithKafkaProcess(name: string, tests: (kafka: () => KafkaProcess) => void): void {
  describeWith(name, found, () => {
    let broker: KafkaProcess | undefined;
    beforeAll(async () => {
      broker = await startJavaKafka();
    }, START_LIMIT_MS);
    afterAll(async () => {
      await broker?.stop();
    }, START_LIMIT_MS);
    tests(() => {
      if (broker === undefined) throw new Error('the broker is there in hooks and tests only');
      return broker;
    });
  });
}

import type { KafkaServer } from './kafka-server.js';

const IMAGE = 'confluentinc/cp-kafka:7.9.2';

/** A broker in a container; testcontainers' reaper removes it even when the run is killed. */
export async function startDockerKafka(): Promise<KafkaServer> {
  // Loaded only here: it takes a second that runs without a container engine need not spend.
  const { KafkaContainer } = await import('@testcontainers/kafka');
  const container = await new KafkaContainer(IMAGE)
    .withKraft()
    .withEnvironment({ KAFKA_GROUP_INITIAL_REBALANCE_DELAY_MS: '0', KAFKA_OFFSETS_TOPIC_NUM_PARTITIONS: '1' })
    .start();
  return {
    brokers: [`${container.getHost()}:${container.getMappedPort(9093)}`],
    source: 'docker',
    stop: async () => {
      await container.stop();
    },
  };
}

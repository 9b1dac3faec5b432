import { randomUUID } from 'node:crypto';
import { Kafka, logLevel } from 'kafkajs';

/** A topic or group name nobody else has: specs share one broker. */
export function uniqueTopic(prefix = 'test'): string {
  return `${prefix}.${randomUUID()}`;
}

/** A quiet client with few retries, so that a broken test fails soon. */
export function kafkaClient(brokers: readonly string[], clientId = 'sijill-tests'): Kafka {
  return new Kafka({
    brokers: [...brokers],
    clientId,
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, retries: 8 },
  });
}

export interface TopicOptions {
  readonly partitions?: number;
  /** What the broker itself compresses its batches with, whatever they came in. */
  readonly compression?: 'gzip' | 'snappy' | 'lz4' | 'zstd';
}

/** Creates topics and waits until they have leaders. */
export async function createTopics(
  brokers: readonly string[],
  topics: readonly string[],
  { partitions = 1, compression }: TopicOptions = {},
): Promise<void> {
  const configEntries = compression === undefined ? [] : [{ name: 'compression.type', value: compression }];
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try {
    await admin.createTopics({
      waitForLeaders: true,
      topics: topics.map((topic) => ({ topic, numPartitions: partitions, replicationFactor: 1, configEntries })),
    });
  } finally {
    await admin.disconnect();
  }
}

/** Deletes topics that are still there. */
export async function deleteTopics(brokers: readonly string[], topics: readonly string[]): Promise<void> {
  const admin = kafkaClient(brokers).admin();
  await admin.connect();
  try {
    const existing = new Set(await admin.listTopics());
    const doomed = topics.filter((topic) => existing.has(topic));
    if (doomed.length > 0) await admin.deleteTopics({ topics: doomed });
  } finally {
    await admin.disconnect();
  }
}

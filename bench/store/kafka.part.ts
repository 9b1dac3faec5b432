import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { KafkaIntake } from '@sijill/intake';
import { BENCH_SPEAKER, benchLedger } from '../embedded-intake.js';
import type { Pass } from '../measure.js';
import { inBatches, sampleEvents } from '../sample-events.js';
import type { Part } from '../side-by-side.js';
import type { Sample } from './sample.js';
import { startKafka } from './servers.js';

const { Kafka, logLevel } = kafkajs;
const PATIENCE_MS = 120_000;
// After so many records everybody in the sample has been met.
const PEOPLE = 2000;

interface Records {
  readonly brokers: string[];
  readonly topic: string;
  readonly count: number;
}

/**
 * The whole Kafka intake, beside a consumer of the same client that does nothing with what it gets. Both read a topic of one
 * partition from its beginning; their time begins with the end of the first step, since joining the group is no throughput.
 *
 * @throws Unavailable
 */
export async function kafkaPart({ sizes: { events } }: Sample): Promise<Part> {
  const server = await startKafka();
  try {
    const records = { brokers: server.brokers, topic: `bench.${randomUUID()}`, count: events };
    await produce(records);
    return {
      sides: [
        { name: 'Kafka intake', run: (folder) => intakeFromKafka(records, join(folder, 'data')) },
        { name: 'Kafka consumer that does nothing', run: () => idleConsumer(records) },
      ],
      comparisons: [
        {
          name: 'Kafka intake / bare insert, 500 at a time',
          over: 'Kafka intake',
          under: 'bare insert, 500 a transaction',
          aim: { atLeast: 0.6 },
        },
        {
          name: 'Kafka intake / consumer that does nothing',
          over: 'Kafka intake',
          under: 'Kafka consumer that does nothing',
        },
      ],
      notes: [
        `Kafka intake: from a topic of one partition, broker on the same machine (${server.source}); the same steps as over HTTP, exactly once, synced; timed once the people are known`,
      ],
      close: () => server.stop(),
    };
  } catch (error) {
    await server.stop();
    throw error;
  }
}

function client({ brokers }: Records): kafkajs.Kafka {
  return new Kafka({ clientId: 'bench', brokers, logLevel: logLevel.NOTHING });
}

async function produce(records: Records): Promise<void> {
  const { topic, count } = records;
  const admin = client(records).admin();
  await admin.connect();
  await admin.createTopics({ waitForLeaders: true, topics: [{ topic, numPartitions: 1 }] });
  await admin.disconnect();
  const producer = client(records).producer();
  await producer.connect();
  const headers = { 'content-type': 'application/cloudevents+json' };
  for (const batch of inBatches([...sampleEvents(count)], 500)) {
    await producer.send({ topic, messages: batch.map((event) => ({ headers, value: JSON.stringify(event) })) });
  }
  await producer.disconnect();
}

async function intakeFromKafka(records: Records, dataDir: string): Promise<Pass> {
  const ledger = await benchLedger(dataDir);
  const { store, maker, quarantine, clock, config, metrics, logger } = ledger;
  const kafka = {
    brokers: records.brokers,
    topics: [{ topic: records.topic, producer: BENCH_SPEAKER.producer }],
    group: `bench-${randomUUID()}`,
    ssl: false,
    sasl: null,
  };
  const speakerFor = async (): Promise<typeof BENCH_SPEAKER> => BENCH_SPEAKER;
  const options = { kafka, limits: config.limits, defaultRegion: config.defaultRegion, speakerFor };
  const intake = new KafkaIntake(store, maker, quarantine, clock, options, metrics, logger);
  intake.start();
  // One entry a record, and nobody else writes: the position is the count.
  const first = await untilStored(() => store.head(), Math.min(PEOPLE, records.count / 2));
  const last = await untilStored(() => store.head(), records.count);
  await intake.stop();
  await ledger.close();
  return { events: last.stored - first.stored, seconds: (last.at - first.at) / 1000, callsMs: [] };
}

async function untilStored(head: () => Promise<number>, wanted: number): Promise<{ stored: number; at: number }> {
  const until = performance.now() + PATIENCE_MS;
  for (;;) {
    const stored = await head();
    const at = performance.now();
    if (stored >= wanted) return { stored, at };
    if (at > until) throw new Error(`${stored} of ${wanted} records were stored in ${PATIENCE_MS / 1000} seconds`);
    await setTimeout(2);
  }
}

async function idleConsumer(records: Records): Promise<Pass> {
  const consumer = client(records).consumer({
    groupId: `bench-${randomUUID()}`,
    maxBytesPerPartition: 1024 * 1024,
    maxWaitTimeInMs: 250,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [records.topic], fromBeginning: true });
  let before = 0;
  let seen = 0;
  let began = 0;
  const seconds = await new Promise<number>((resolve, reject) => {
    void consumer
      .run({
        autoCommit: false,
        eachBatch: async ({ batch }) => {
          seen += batch.messages.length;
          if (before === 0) {
            before = seen;
            began = performance.now();
          }
          if (seen === records.count) resolve((performance.now() - began) / 1000);
        },
      })
      .catch(reject);
  });
  await consumer.disconnect();
  return { events: seen - before, seconds, callsMs: [] };
}

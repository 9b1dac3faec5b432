import type { KafkaIntake } from '@sijill/intake';
import { openLedger, type Ledger } from '@sijill/ledger';
import { createLogger, parseConfig } from '@sijill/platform';
import { disclosed } from '../support/events.js';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { intakeOver } from '../support/kafka/kafka-ledger.js';
import { eventually, freshDataDir } from '../support/sijill.js';

const PARTITIONS = 4;
const CONSUMERS = 3;
const SECONDS = Number(process.env['SIJILL_TEST_REBALANCE_SECONDS'] ?? (FULL_RUN ? 120 : 16));

describeWithKafka('consumers that come and go every two seconds', (kafka) => {
  it(
    'store what was produced, each record once, in the order of its partition',
    async () => {
      const topic = await kafka.freshTopic({ partitions: PARTITIONS });
      const env = {
        SIJILL_DATA_DIR: freshDataDir('rebalance'),
        SIJILL_LOG_LEVEL: 'silent',
        SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
        SIJILL_KAFKA_TOPICS: topic,
        SIJILL_KAFKA_GROUP: `group-${topic}`,
      };
      const config = parseConfig(env);
      // Each with a ledger of its own over the same files, as servers of one machine would have.
      const open = (): Promise<Ledger> =>
        openLedger(config, { logger: createLogger('silent'), ownLane: 'ledger-test' });
      const first = await open();
      await first.producers.admit(topic, { name: 'tests', principal: 'ledger' });
      const start = async (): Promise<{ ledger: Ledger; intake: KafkaIntake }> => {
        const ledger = await open();
        const intake = intakeOver(ledger, config);
        intake.start();
        return { ledger, intake };
      };
      const running = [];
      for (let i = 0; i < CONSUMERS; i++) running.push(await start());

      const produced = Array.from({ length: PARTITIONS }, () => 0);
      const producer = kafka.client().producer({ idempotent: true, maxInFlightRequests: 1 });
      await producer.connect();
      const until = Date.now() + SECONDS * 1000;
      const producing = (async () => {
        while (Date.now() < until) {
          const messages = Array.from({ length: 40 }, (_, i) => {
            const partition = i % PARTITIONS;
            const sequence = String(produced[partition]!++);
            const id = `${partition}-${sequence}`;
            return {
              partition,
              value: JSON.stringify(disclosed(`+96650000${String(i).padStart(4, '0')}`, { id, sequence })),
              headers: { 'content-type': 'application/cloudevents+json' },
            };
          });
          await producer.send({ topic, messages });
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      })();
      while (Date.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, 2_000));
        const { ledger, intake } = running.shift()!;
        await intake.stop();
        await ledger.close();
        running.push(await start());
      }
      await producing;
      await producer.disconnect();

      const stored = async (): Promise<number[][]> => {
        const ids: number[][] = Array.from({ length: PARTITIONS }, () => []);
        for await (const batch of first.store.readAll()) {
          for (const { metadata } of batch) {
            const { kafka: place, sequence } = metadata as { kafka?: { partition: number }; sequence?: string };
            if (place !== undefined && sequence !== undefined) ids[place.partition]!.push(Number(sequence));
          }
        }
        return ids;
      };
      const total = produced.reduce((sum, count) => sum + count, 0);
      const ids = await eventually(stored, (all) => all.flat().length >= total, 90_000);
      ids.forEach((of, partition) => expect(of).toEqual(Array.from({ length: produced[partition]! }, (_, i) => i)));
      for (const { ledger, intake } of running) {
        await intake.stop();
        await ledger.close();
      }
      await first.close();
    },
    SECONDS * 1000 + 150_000,
  );
});

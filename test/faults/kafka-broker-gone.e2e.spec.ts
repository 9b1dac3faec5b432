import Database from 'better-sqlite3';
import { join } from 'node:path';
import { disclosed } from '../support/events.js';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithKafkaProcess } from '../support/kafka/describe-with-kafka-process.js';
import { createTopics, kafkaClient } from '../support/kafka/topics.js';
import { eventually, request, startServer, type TestServer } from '../support/sijill.js';

const GONE_MS = Number(process.env['SIJILL_TEST_BROKER_GONE_SECONDS'] ?? (FULL_RUN ? 60 : 10)) * 1000;

interface Ready {
  readonly status: string;
  readonly checks: { readonly kafka: { readonly status: string; readonly detail: string | null } };
}

describeWithKafkaProcess('a broker that is killed under traffic and comes back', (kafka) => {
  it(
    'costs no record and no liveness; health says that it is away',
    async () => {
      const topic = 'privacy.activity';
      const { brokers } = kafka();
      await createTopics(brokers, [topic], { partitions: 2 });
      const server = await startServer({
        SIJILL_KAFKA_BROKERS: brokers.join(','),
        SIJILL_KAFKA_TOPICS: topic,
      });
      const sent = [0, 0];
      const send = async (count: number): Promise<void> => {
        const producer = kafkaClient(brokers).producer();
        await producer.connect();
        const messages = Array.from({ length: count }, (_, i) => {
          const sequence = String(sent[i % 2]!++);
          return {
            partition: i % 2,
            value: JSON.stringify(disclosed('+966500000044', { id: `${i % 2}-${sequence}`, sequence })),
            headers: { 'content-type': 'application/cloudevents+json' },
          };
        });
        await producer.send({ topic, messages });
        await producer.disconnect();
      };
      const health = () => healthOf(server);
      await eventually(health, ({ kafka: { status } }) => status === 'up');
      for (let i = 0; i < 8; i++) await send(500);
      await kafka().kill();
      const gone = Date.now();
      const said = await eventually(health, ({ kafka: { status } }) => status === 'down');
      expect(said.kafka.detail).toMatch(/ECONN|[Cc]onnection|[Bb]roker/);
      while (Date.now() - gone < GONE_MS) {
        expect(await health()).toMatchObject({ live: 200, ready: 200, kafka: { status: 'down' } });
        await new Promise((resolve) => setTimeout(resolve, 500));
      }
      await kafka().restart();
      await send(500);

      const file = new Database(join(server.dataDir, 'ledger.sqlite'), { readonly: true });
      const idsOf = async (partition: number): Promise<string[]> =>
        (
          file
            .prepare(
              `select json_extract(metadata, '$.sequence') as id from entry
                 where json_extract(metadata, '$.kafka.partition') = ? order by position`,
            )
            .all(partition) as { id: string }[]
        ).map(({ id }) => id);
      for (const partition of [0, 1]) {
        const count = sent[partition]!;
        const ids = await eventually(
          () => idsOf(partition),
          (all) => all.length >= count,
          90_000,
        );
        expect(ids).toEqual(Array.from({ length: count }, (_, n) => String(n)));
      }
      file.close();
      expect(await eventually(health, ({ kafka: { status } }) => status === 'up')).toMatchObject({ live: 200 });
      expect(await server.kill()).toBe(0);
    },
    GONE_MS + 180_000,
  );
});

async function healthOf({
  url,
}: TestServer): Promise<{ live: number; ready: number; kafka: Ready['checks']['kafka'] }> {
  const live = await request(`${url}/health/live`);
  const ready = await request<Ready>(`${url}/health/ready`);
  return { live: live.status, ready: ready.status, kafka: ready.body.checks.kafka };
}

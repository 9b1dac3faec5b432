import { kafkaLane } from '@sijill/event-store';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { BATCH, disclosed } from '../support/events.js';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { clusterOf } from '../support/kafka/kafka-ledger.js';
import { seeded } from '../support/seeded.js';
import { eventually, freshDataDir, request, startServer } from '../support/sijill.js';

const KILLS = Number(process.env['SIJILL_TEST_KILLS'] ?? (FULL_RUN ? 200 : 8));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const SENDERS = 4;
const PARTITIONS = 2;

describeWithKafka('a server killed while events come in over HTTP and Kafka', (kafka) => {
  it(
    `has all that it called accepted, and counts each event once, after ${KILLS} kills (seed ${SEED})`,
    async () => {
      const random = seeded(SEED);
      const dataDir = freshDataDir('killed-intake');
      const topic = await kafka.freshTopic({ partitions: PARTITIONS, prefix: 'privacy' });
      const env = {
        SIJILL_DATA_DIR: dataDir,
        SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
        SIJILL_KAFKA_TOPICS: topic,
      };
      // A group keeps the partitions of a killed member for ten seconds. Where to read on the lanes say, whatever the group.
      const start = (life: number): ReturnType<typeof startServer> =>
        startServer({ ...env, SIJILL_KAFKA_GROUP: `group-${topic}-${life}` });
      const phoneOf = (i: number): string => `+96650000${String(5000 + (i % 50))}`;
      const acknowledged = new Set<string>();
      let sent = 0;
      const kafkaProducer = kafka.client().producer();
      await kafkaProducer.connect();
      let records = 0;
      let producing = true;
      const overKafka = (async () => {
        while (producing) {
          const messages = Array.from({ length: 50 }, () => {
            const record = records++;
            const envelope = { id: `record-${record}`, sequence: String(record) };
            return {
              partition: record % PARTITIONS,
              value: JSON.stringify(disclosed(phoneOf(record), envelope)),
              headers: { 'content-type': 'application/cloudevents+json' },
            };
          });
          await kafkaProducer.send({ topic, messages });
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      })();
      const cluster = await clusterOf(kafka.client());
      const offsets = (): number[][] => {
        const file = new Database(join(dataDir, 'ledger.sqlite'), { readonly: true });
        const ofLane = file
          .prepare<[string], number>(
            `select json_extract(metadata, '$.kafka.offset') from entry join stream on stream.id = stream_id
             where name = ? order by revision`,
          )
          .pluck();
        const found = Array.from({ length: PARTITIONS }, (_, i) => ofLane.all(kafkaLane(cluster, topic, i)));
        file.close();
        return found;
      };
      let producer = '';
      let officer = '';
      for (let kill = 0; kill < KILLS; kill++) {
        const server = await start(kill);
        producer ||= await server.key('producer');
        officer ||= await server.key('officer');
        let going = true;
        // An unacknowledged batch is sent again, under the same ids, as a producer would.
        const senders = Array.from({ length: SENDERS }, async () => {
          while (going) {
            const events = Array.from({ length: 1 + Math.floor(random() * 40) }, () => {
              const event = sent++;
              return disclosed(phoneOf(event), { id: `event-${event}`, sequence: String(event) });
            });
            for (let tries = 0; going && tries < 2; tries++) {
              try {
                const answer = await request<{ accepted: { id: string }[] }>(`${server.url}/v1/events`, {
                  key: producer,
                  body: events,
                  type: BATCH,
                });
                if (answer.status !== 201) continue;
                for (const { id } of answer.body.accepted) acknowledged.add(id);
                break;
              } catch {
                if (!going) return;
              }
            }
          }
        });
        // Every second kill falls into the intake from Kafka, too, however long the server takes to come to it.
        if (kill % 2 === 1) {
          const before = offsets().flat().length;
          await eventually(
            async () => offsets().flat().length,
            (stored) => stored > before,
          );
        }
        await new Promise((resolve) => setTimeout(resolve, 20 + random() * 1_500));
        await server.kill('SIGKILL');
        going = false;
        await Promise.all(senders);
      }

      producing = false;
      await overKafka;
      await kafkaProducer.disconnect();

      const server = await start(KILLS);
      await eventually(
        async () => offsets().flat().length,
        (stored) => stored >= records,
        240_000,
      );
      // Each record once and in its place: offsets without a gap.
      for (const lane of offsets()) expect(lane).toEqual(Array.from(lane, (_, i) => i));
      expect(offsets().flat()).toHaveLength(records);
      const file = new Database(join(dataDir, 'ledger.sqlite'), { readonly: true });
      const stored = file
        .prepare<[], string>(
          `select iif(json_extract(metadata, '$.kafka') is null, 'event-', 'record-') || json_extract(metadata, '$.sequence')
           from entry where type = 'sijill.data.disclosed.v1'`,
        )
        .pluck()
        .all();
      const last = file.prepare<[], number>('select max(position) from entry').pluck().get();
      file.close();
      const ids = new Set(stored);
      expect(acknowledged.size).toBeGreaterThan(KILLS * 10);
      expect([...acknowledged].filter((id) => !ids.has(id))).toEqual([]);

      const historyOf = async (phone: string): Promise<string[]> => {
        const found = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
          key: officer,
          body: { identifier: { scheme: 'phone', value: phone }, reason: 'test' },
        });
        const eventIds: string[] = [];
        for (let cursor: string | null = ''; cursor !== null;) {
          const query = cursor === '' ? '' : `&cursor=${cursor}`;
          const page: { body: { items?: { eventId: string }[]; next?: string | null } } = await request(
            `${server.url}/v1/subjects/${found.body.subjectId}/disclosures?limit=500${query}`,
            { key: officer, reason: 'test' },
          );
          eventIds.push(...(page.body.items ?? []).map(({ eventId }) => eventId));
          cursor = page.body.next ?? null;
        }
        return eventIds;
      };
      // The read models have it all in a moment.
      await eventually(
        async () => (await request<string>(`${server.url}/metrics`)).body,
        (figures) => Number(/read_model="activity-timeline"} (\d+)/.exec(figures)?.[1]) >= last!,
        240_000,
      );
      const counted = (await Promise.all(Array.from({ length: 50 }, (_, person) => historyOf(phoneOf(person))))).flat();
      expect(counted).toHaveLength(new Set(counted).size);
      expect(new Set(counted)).toEqual(ids);
      expect(await server.kill()).toBe(0);
    },
    KILLS * 15_000 + 120_000,
  );
});

import { kafkaLane } from '@sijill/event-store';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { disclosed } from '../support/events.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { clusterOf } from '../support/kafka/kafka-ledger.js';
import { eventually, freshDataDir, request, startServer } from '../support/sijill.js';

const EVENTS = 20_000;
const PEOPLE = 200;
const PARTITIONS = 2;
const KILLS = 3;

describeWithKafka('a server killed in the middle of the traffic', (kafka) => {
  it(`has each of ${EVENTS} events exactly once after ${KILLS} times SIGKILL, offsets without a gap`, async () => {
    const topic = await kafka.freshTopic({ partitions: PARTITIONS, prefix: 'privacy' });
    const env = {
      SIJILL_DATA_DIR: freshDataDir('killed'),
      SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
      SIJILL_KAFKA_TOPICS: topic,
      SIJILL_KAFKA_GROUP: `group-${topic}`,
    };
    const phoneOf = (i: number): string => `+96650000${String(1000 + (i % PEOPLE))}`;
    const producer = kafka.client().producer();
    await producer.connect();
    for (let from = 0; from < EVENTS; from += 1000) {
      const messages = Array.from({ length: 1000 }, (_, i) => ({
        partition: (from + i) % PARTITIONS,
        value: JSON.stringify(disclosed(phoneOf(from + i), { id: `event-${from + i}` })),
        headers: { 'content-type': 'application/cloudevents+json' },
      }));
      await producer.send({ topic, messages });
    }
    await producer.disconnect();

    // Read beside the server: how far its lanes are, whatever state it is in.
    const storedEvents = (): number => {
      const file = new Database(join(env.SIJILL_DATA_DIR, 'ledger.sqlite'), { readonly: true });
      try {
        return (
          file.prepare("select count(*) as n from entry where type = 'sijill.data.disclosed.v1'").get() as { n: number }
        ).n;
      } finally {
        file.close();
      }
    };
    const killedAt: number[] = [];
    for (let kill = 0; kill < KILLS; kill++) {
      const server = await startServer(env);
      const before = storedEvents();
      await eventually(
        async () => storedEvents(),
        (n) => n >= Math.min(EVENTS, before + 2_000),
        60_000,
      );
      await server.kill('SIGKILL');
      killedAt.push(storedEvents());
    }
    expect(killedAt[0]).toBeLessThan(EVENTS);

    const server = await startServer(env);
    const officer = await server.key('officer');
    await eventually(
      async () => storedEvents(),
      (n) => n >= EVENTS,
      120_000,
    );

    const cluster = await clusterOf(kafka.client());
    const file = new Database(join(env.SIJILL_DATA_DIR, 'ledger.sqlite'), { readonly: true });
    for (let partition = 0; partition < PARTITIONS; partition++) {
      const offsets = (
        file
          .prepare(
            `select json_extract(metadata, '$.kafka.offset') as offset from entry join stream on stream.id = stream_id
             where name = ? order by revision`,
          )
          .all(kafkaLane(cluster, topic, partition)) as { offset: number }[]
      ).map(({ offset }) => offset);
      expect(offsets).toEqual(Array.from({ length: EVENTS / PARTITIONS }, (_, i) => i));
    }
    file.close();

    const seen: string[] = [];
    for (let person = 0; person < PEOPLE; person++) {
      const { body } = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
        key: officer,
        body: { identifier: { scheme: 'phone', value: phoneOf(person) }, reason: 'test' },
      });
      const url = `${server.url}/v1/subjects/${body.subjectId}/disclosures?limit=500`;
      const history = await eventually(
        () => request<{ items: { eventId: string }[] }>(url, { key: officer, reason: 'test' }),
        (answer) => answer.body.items.length >= EVENTS / PEOPLE,
      );
      seen.push(...history.body.items.map(({ eventId }) => eventId));
    }
    expect(seen).toHaveLength(EVENTS);
    expect(new Set(seen).size).toBe(EVENTS);
    expect(await server.kill()).toBe(0);
  }, 300_000);
});

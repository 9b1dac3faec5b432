import { kafkaLane, openEventStoreDb, StreamNotFound } from '@sijill/event-store';
import { join } from 'node:path';
import { disclosed } from '../support/events.js';
import { eventStoreDbForTests, type ServerForTests } from '../support/eventstoredb/server-for-tests.js';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { clusterOf } from '../support/kafka/kafka-ledger.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { noteServer } from '../support/shared-server.js';
import { eventually, freshDataDir, request, startServer, type TestServer } from '../support/sijill.js';

const PARTITIONS = 4;
const PAUSES = Number(process.env['SIJILL_TEST_PAUSES'] ?? (FULL_RUN ? 5 : 1));

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds));

describeWithKafka('a server that is paused for longer than its session lasts', (kafka) => {
  describeWithPostgres('beside another that goes on', (postgres) => {
    let eventStore: ServerForTests;
    beforeAll(async () => {
      eventStore = await eventStoreDbForTests();
      await noteServer('EventStoreDB', eventStore.what);
    });
    afterAll(() => eventStore.stop());

    it(
      'doubles nothing when it wakes, and takes its share again',
      async () => {
        const topic = await kafka.freshTopic({ partitions: PARTITIONS });
        const group = `group-${topic}`;
        const database = await postgres.freshDatabase('sijill');
        const keyring = join(freshDataDir('keys'), 'keyring.json');
        const start = (node: string): Promise<TestServer> =>
          startServer({
            SIJILL_EVENT_STORE: eventStore.connectionString,
            SIJILL_DATABASE: database,
            SIJILL_KEYRING_FILE: keyring,
            SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
            SIJILL_KAFKA_TOPICS: topic,
            SIJILL_KAFKA_GROUP: group,
            SIJILL_ROLES: 'api,intake',
            SIJILL_NODE_ID: `${node}-${topic.slice(-12)}`,
          });
        const servers = [await start('a'), await start('b')];
        const admin = kafka.client().admin();
        await admin.connect();
        const members = (count: number) =>
          eventually(
            async () => (await admin.describeGroups([group])).groups[0],
            (found) => found?.state === 'Stable' && found.members.length === count,
            60_000,
          );
        const appended = async ({ url }: TestServer): Promise<number> => {
          const figures = String((await request(`${url}/metrics`)).body);
          return Number(/^sijill_entries_appended_total\{via="kafka"\} (\d+)/m.exec(figures)?.[1] ?? 0);
        };
        const goesOn = async (server: TestServer): Promise<void> => {
          const before = await appended(server);
          await eventually(
            () => appended(server),
            (now) => now > before,
          );
        };
        await members(2);

        const produced = Array.from({ length: PARTITIONS }, () => 0);
        const producer = kafka.client().producer({ idempotent: true, maxInFlightRequests: 1 });
        await producer.connect();
        let producing = true;
        const done = (async () => {
          while (producing) {
            const messages = Array.from({ length: 40 }, (_, i) => {
              const partition = i % PARTITIONS;
              const sequence = String(produced[partition]!++);
              return {
                partition,
                value: JSON.stringify(disclosed('+966500000043', { id: `${partition}-${sequence}`, sequence })),
                headers: { 'content-type': 'application/cloudevents+json' },
              };
            });
            await producer.send({ topic, messages });
            await pause(50);
          }
        })();
        for (const server of servers) await goesOn(server);

        for (let i = 0; i < PAUSES; i++) {
          const [paused, other] = [servers[i % 2]!, servers[(i + 1) % 2]!];
          process.kill(paused.pid, 'SIGSTOP');
          await members(1);
          await goesOn(other);
          process.kill(paused.pid, 'SIGCONT');
          await members(2);
          for (const server of servers) await goesOn(server);
        }
        producing = false;
        await done;
        await producer.disconnect();

        const store = await openEventStoreDb({ connectionString: eventStore.connectionString });
        const cluster = await clusterOf(kafka.client());
        const idsOf = async (partition: number): Promise<unknown[]> => {
          const ids: unknown[] = [];
          try {
            for await (const { metadata } of store.readStream(kafkaLane(cluster, topic, partition)))
              ids.push(metadata['sequence']);
          } catch (error) {
            if (!(error instanceof StreamNotFound)) throw error;
          }
          return ids;
        };
        for (let partition = 0; partition < PARTITIONS; partition++) {
          const count = produced[partition]!;
          const ids = await eventually(
            () => idsOf(partition),
            (all) => all.length >= count,
          );
          expect(ids).toEqual(Array.from({ length: count }, (_, n) => String(n)));
        }
        await store.close();
        await admin.disconnect();
        for (const { url } of servers)
          expect((await request<{ checks: unknown }>(`${url}/health/ready`)).body.checks).toMatchObject({
            kafka: { status: 'up' },
          });
        for (const server of servers) expect(await server.kill()).toBe(0);
      },
      PAUSES * 45_000 + 60_000,
    );
  });
});

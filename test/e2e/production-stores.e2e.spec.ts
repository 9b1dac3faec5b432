import pg from 'pg';
import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disclosed } from '../support/events.js';
import { eventStoreDbForTests, type ServerForTests } from '../support/eventstoredb/server-for-tests.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { noteServer } from '../support/shared-server.js';
import { eventually, request, sijillJson, startServer } from '../support/sijill.js';

const EVENTS = 2_000;
const PEOPLE = 50;

describeWithKafka('the whole service over Kafka, EventStoreDB and PostgreSQL', (kafka) => {
  describeWithPostgres('with read models and vault in PostgreSQL', (postgres) => {
    let eventStore: ServerForTests;
    beforeAll(async () => {
      eventStore = await eventStoreDbForTests();
      await noteServer('EventStoreDB', eventStore.what);
    });
    afterAll(() => eventStore.stop());

    it('takes traffic in once through a SIGKILL, answers from it, and rebuilds to the same content', async () => {
      const topic = await kafka.freshTopic({ partitions: 2, prefix: 'privacy' });
      const env = {
        SIJILL_DATA_DIR: mkdtempSync(join(tmpdir(), 'sijill-production-')),
        SIJILL_EVENT_STORE: eventStore.connectionString,
        SIJILL_DATABASE: await postgres.freshDatabase('sijill'),
        SIJILL_VAULT_DATABASE: await postgres.freshDatabase('vault'),
        SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
        SIJILL_KAFKA_TOPICS: topic,
        SIJILL_KAFKA_GROUP: `group-${topic}`,
        SIJILL_NODE_ID: `node-${topic.slice(-12)}`,
      };
      let server = await startServer(env);
      const officer = await server.key('officer');
      const producer = kafka.client().producer();
      await producer.connect();
      const phoneOf = (i: number): string => `+96650000${String(8000 + (i % PEOPLE))}`;
      for (let from = 0; from < EVENTS; from += 250) {
        await producer.send({
          topic,
          messages: Array.from({ length: 250 }, (_, i) => ({
            partition: (from + i) % 2,
            value: JSON.stringify(disclosed(phoneOf(from + i))),
            headers: { 'content-type': 'application/cloudevents+json' },
          })),
        });
        if (from === 750) {
          await server.kill('SIGKILL');
          server = await startServer(env);
        }
      }
      await producer.disconnect();

      const historyOf = async (phone: string): Promise<{ eventId: string }[]> => {
        const found = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
          key: officer,
          body: { identifier: { scheme: 'phone', value: phone }, reason: 'test' },
        });
        if (found.status !== 200) return [];
        const url = `${server.url}/v1/subjects/${found.body.subjectId}/disclosures?limit=500`;
        return (await request<{ items: { eventId: string }[] }>(url, { key: officer, reason: 'test' })).body.items;
      };
      for (let i = 0; i < PEOPLE; i += 7) {
        const items = await eventually(
          () => historyOf(phoneOf(i)),
          (all) => all.length >= EVENTS / PEOPLE,
          60_000,
        );
        expect(items).toHaveLength(EVENTS / PEOPLE);
        expect(new Set(items.map(({ eventId }) => eventId)).size).toBe(items.length);
      }
      const log = `${server.url}/log`;
      const { body: vkey } = await request<string>(`${log}/vkey`);
      expect(await sijillJson(['verify', 'log', log, '--key', vkey.trim()], {})).toMatchObject({ holds: true });
      const verified = await sijillJson<{ holds: boolean; leaves: number }>(
        ['verify', 'store', '--key', vkey.trim()],
        server.env,
      );
      expect(verified.holds).toBe(true);
      expect(verified.leaves).toBeGreaterThanOrEqual(EVENTS);
      expect(await sijillJson(['rebuild'], server.env)).toMatchObject({ unchanged: true });
      expect(await sijillJson(['doctor'], server.env)).toMatchObject({ ok: true });
      // The vault is in its own database, and nowhere else.
      expect(await tablesIn(env.SIJILL_VAULT_DATABASE, 'vault_%')).toContain('vault_key');
      expect(await tablesIn(env.SIJILL_VAULT_DATABASE, 'entry%')).toEqual([]);
      expect(await tablesIn(env.SIJILL_DATABASE, 'vault_%')).toEqual([]);
      // Nothing of the ledger may lie in the data directory then, but the keyring and the announcement.
      expect(readdirSync(env.SIJILL_DATA_DIR).sort()).toEqual(['server.json', 'vault']);
      expect(await server.kill()).toBe(0);
    }, 240_000);
  });
});

async function tablesIn(url: string, like: string): Promise<string[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const { rows } = await client.query<{ tablename: string }>(
    'select tablename from pg_tables where tablename like $1 order by 1',
    [like],
  );
  await client.end();
  return rows.map(({ tablename }) => tablename);
}

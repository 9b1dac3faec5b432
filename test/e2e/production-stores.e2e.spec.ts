import pg from 'pg';
import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { disclosed, SINGLE } from '../support/events.js';
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

      // A second server of the ledger, with a folder and a node id of its own, and what servers on one store share.
      const shared = {
        ...{
          ...env,
          SIJILL_DATA_DIR: mkdtempSync(join(tmpdir(), 'sijill-second-')),
          SIJILL_NODE_ID: `b${env.SIJILL_NODE_ID}`,
        },
        SIJILL_KEYRING_FILE: join(env.SIJILL_DATA_DIR, 'vault', 'keyring.json'),
        SIJILL_LOG_SIGNER: `file:${join(env.SIJILL_DATA_DIR, 'vault', 'log-key-{generation}.json')}`,
      };
      const second = await startServer(shared);
      const sender = await second.key('producer');
      const phone = '+966500008999';
      for (const { url } of [server, second]) {
        const answer = await request(`${url}/v1/events`, { key: sender, body: disclosed(phone), type: SINGLE });
        expect(answer.status).toBe(201);
      }
      expect(
        await eventually(
          () => historyOf(phone),
          (items) => items.length === 2,
        ),
      ).toHaveLength(2);

      // The accounting of a person, with the proof that it leaves nothing out.
      const proof = await accountingProof(second.url, officer, phone);
      const folder = mkdtempSync(join(tmpdir(), 'sijill-proof-'));
      writeFileSync(join(folder, 'proof'), proof);
      expect(await sijillJson(['verify', 'bundle', join(folder, 'proof'), '--key', vkey.trim()], {})).toMatchObject({
        holds: true,
      });

      // One with parts of its own would tell half of everybody's history.
      const own = { ...shared, SIJILL_DATA_DIR: mkdtempSync(join(tmpdir(), 'sijill-own-')), SIJILL_NODE_ID: 'own' };
      for (const [database, says] of [
        ['SIJILL_VAULT_DATABASE', /there is no vault/],
        ['SIJILL_DATABASE', /is not the one that the ledger .* was founded with, but a second one/],
      ] as const)
        await expect(startServer({ ...own, [database]: await postgres.freshDatabase('own') })).rejects.toThrow(says);
      const { SIJILL_KEYRING_FILE: _, ...unkeyed } = own;
      await expect(startServer(unkeyed)).rejects.toThrow(/the keyring .* is missing, and a ledger exists/);
      expect(await second.kill()).toBe(0);
      expect(await server.kill()).toBe(0);
    }, 480_000);
  });
});

/** The proof of an accounting for an officer, as soon as the report is made. */
async function accountingProof(url: string, officer: string, phone: string): Promise<Uint8Array> {
  const identifier = { scheme: 'phone', value: phone };
  const ordered = await request<{ id: string }>(`${url}/v1/reports`, {
    key: officer,
    body: {
      ...{ report: 'accounting', language: 'en', formats: ['json'] },
      parameters: { audience: 'officer', identifier, reason: 'test' },
    },
  });
  const report = `${url}/v1/reports/${ordered.body.id}`;
  await eventually(
    () => request<{ status: string }>(report, { key: officer }),
    ({ body }) => body.status === 'done',
    60_000,
  );
  const file = await fetch(`${report}/files/accounting.proof`, { headers: { authorization: `Bearer ${officer}` } });
  return new Uint8Array(await file.arrayBuffer());
}

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

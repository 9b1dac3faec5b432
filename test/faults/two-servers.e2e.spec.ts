import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import pg from 'pg';
import { disclosed, SINGLE } from '../support/events.js';
import { eventStoreDbForTests, type ServerForTests } from '../support/eventstoredb/server-for-tests.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { noteServer } from '../support/shared-server.js';
import { eventually, freshDataDir, request, startServer, type TestServer } from '../support/sijill.js';

interface Health {
  readonly checks: { readonly httpLane: { readonly status: string; readonly detail: string | null } };
}

const PHONE = '+966500000077';

describeWithPostgres('two servers with one node id', (postgres) => {
  let eventStore: ServerForTests;
  beforeAll(async () => {
    eventStore = await eventStoreDbForTests();
    await noteServer('EventStoreDB', eventStore.what);
  });
  afterAll(() => eventStore.stop());

  it('never write side by side: the second refuses until the first is gone, or has lost its claim', async () => {
    const database = await postgres.freshDatabase('sijill');
    const keys = freshDataDir('keys');
    mkdirSync(keys, { recursive: true });
    const start = (): Promise<TestServer> =>
      startServer({
        SIJILL_EVENT_STORE: eventStore.connectionString,
        SIJILL_DATABASE: database,
        SIJILL_KEYRING_FILE: join(keys, 'keyring.json'),
        SIJILL_LOG_SIGNER: `file:${join(keys, 'log-key-{generation}.json')}`,
        SIJILL_NODE_ID: `shared-${database.slice(-8)}`,
      });
    const first = await start();
    const second = await start();
    const key = await first.key('producer', 'officer');
    let sent = 0;
    const accepted: string[] = [];
    const send = async (server: TestServer): Promise<number> => {
      const id = `event-${sent++}`;
      const answer = await request(`${server.url}/v1/events`, { key, body: disclosed(PHONE, { id }), type: SINGLE });
      if (answer.status === 201) accepted.push(id);
      else expect(answer.headers.get('retry-after')).toMatch(/^\d+$/);
      return answer.status;
    };
    const laneOf = async (server: TestServer): Promise<Health['checks']['httpLane']> =>
      (await request<Health>(`${server.url}/health/ready`)).body.checks.httpLane;

    expect([await send(first), await send(second), await send(first)]).toEqual([201, 503, 201]);
    expect(await laneOf(first)).toEqual({ status: 'up', detail: null });
    expect(await laneOf(second)).toEqual({ status: 'down', detail: expect.stringContaining('SIJILL_NODE_ID') });

    // The database drops the first one's session. Whoever gets the claim then, the other stops.
    const client = new pg.Client({ connectionString: database });
    await client.connect();
    await client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted
         AND database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    );
    await client.end();
    const lanes = await eventually(
      async () => [(await laneOf(first)).status, (await laneOf(second)).status],
      (states) => states.includes('up') && states.includes('down'),
    );
    const [holder, other] = lanes[0] === 'up' ? [first, second] : [second, first];
    expect([await send(holder), await send(other)]).toEqual([201, 503]);

    await holder.kill('SIGKILL');
    await eventually(
      () => laneOf(other),
      ({ status }) => status === 'up',
    );
    expect(await send(other)).toBe(201);

    const found = await request<{ subjectId: string }>(`${other.url}/v1/subjects/lookup`, {
      key,
      body: { identifier: { scheme: 'phone', value: PHONE }, reason: 'test' },
    });
    const history = await request<{ items: { eventId: string }[] }>(
      `${other.url}/v1/subjects/${found.body.subjectId}/disclosures?limit=500`,
      { key, reason: 'test' },
    );
    expect(history.body.items.map(({ eventId }) => eventId).sort()).toEqual([...accepted].sort());
    expect(await other.kill()).toBe(0);
  }, 120_000);
});

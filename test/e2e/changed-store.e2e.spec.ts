import { request, eventually, freshDataDir, logKeyOf, sijill, startServer } from '../support/sijill.js';
import { rewriteLog } from '../support/eventstoredb/log-file.js';
import { startEventStoreDbStandIn } from '../support/eventstoredb/stand-in.js';
import { BATCH, disclosed } from '../support/events.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';

const EVENTS = 600;

describeWithPostgres('an entry that was changed on the disk of EventStoreDB', (postgres) => {
  it('is named by verify store, and stops the notary; the right data back, it goes on', async () => {
    const dataDir = freshDataDir('esdb');
    let standIn = await startEventStoreDbStandIn({ dataDir });
    const { port } = standIn;
    const env = {
      SIJILL_EVENT_STORE: standIn.connectionString,
      SIJILL_DATABASE: await postgres.freshDatabase('sijill'),
      SIJILL_VAULT_DATABASE: await postgres.freshDatabase('vault'),
    };
    let server = await startServer(env);
    const key = await server.key('producer');
    const events = Array.from({ length: EVENTS }, (_, i) => disclosed(`+9665000${String(30_000 + (i % 20))}`));
    expect((await request(`${server.url}/v1/events`, { key, body: events, type: BATCH })).status).toBe(201);
    const vkey = (await logKeyOf(server)).trim();
    const { body } = await eventually(
      () => request<string>(`${server.url}/log/checkpoint`),
      (answer) => Number(answer.body.split('\n')[1]) > EVENTS,
    );
    expect(Number(body.split('\n')[1])).toBeGreaterThan(EVENTS);
    expect(await server.kill()).toBe(0);
    const verify = () => sijill(['verify', 'store', '--key', vkey, '--json'], server.env);
    expect((await verify()).code).toBe(0);

    await standIn.stop();
    let changed: { id: string; stream: string; revision: bigint } | null = null;
    let seen = 0;
    let original: Buffer = Buffer.alloc(0);
    rewriteLog(dataDir, (record) => {
      if (!record.stream.startsWith('ledger-http') || (seen += 1) !== EVENTS / 2) return record;
      changed = record;
      original = record.data;
      return { ...record, data: Buffer.from(record.data.toString().replace('carrier-najd', 'carrier-najd2')) };
    });
    const { id, stream, revision } = changed! as { id: string; stream: string; revision: bigint };
    standIn = await startEventStoreDbStandIn({ dataDir, port });
    const found = await verify();
    expect(found.code).toBe(1);
    expect(found.stdout).toContain(`entry ${id} (${stream}@${revision})`);

    server = await startServer({ ...env, SIJILL_DATA_DIR: server.dataDir });
    const ready = await eventually(
      () => request<{ checks: { notary: { status: string; detail: string } } }>(`${server.url}/health/ready`),
      (answer) => answer.body.checks.notary.status === 'down',
    );
    expect(ready.status).toBe(503);
    expect(ready.body.checks.notary.detail).toContain(id);

    await standIn.stop();
    rewriteLog(dataDir, (record) => (record.id === id ? { ...record, data: original } : record));
    standIn = await startEventStoreDbStandIn({ dataDir, port });
    await eventually(
      () => request(`${server.url}/health/ready`),
      ({ status }) => status === 200,
      60_000,
    );
    expect((await verify()).code).toBe(0);
    expect(await server.kill()).toBe(0);
    await standIn.stop();
  }, 360_000);
});

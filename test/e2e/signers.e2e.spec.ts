import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { disclosed, SINGLE } from '../support/events.js';
import { eventStoreDbForTests, type ServerForTests } from '../support/eventstoredb/server-for-tests.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { noteServer } from '../support/shared-server.js';
import {
  eventually,
  freshDataDir,
  logKeyOf,
  request,
  sijill,
  sijillJson,
  startServer,
  type TestServer,
} from '../support/sijill.js';

const signingFiles = (dataDir: string): string[] =>
  existsSync(join(dataDir, 'vault'))
    ? readdirSync(join(dataDir, 'vault')).filter((name) => /log|witness/.test(name))
    : [];

describeWithPostgres('a notary apart from the servers that people ask', (postgres) => {
  let eventStore: ServerForTests;
  const servers: TestServer[] = [];
  beforeAll(async () => {
    eventStore = await eventStoreDbForTests();
    await noteServer('EventStoreDB', eventStore.what);
  });
  afterAll(async () => {
    for (const server of servers) await server.kill();
    await eventStore.stop();
  });

  it('alone has the keys of the log; all others know which they are', async () => {
    const shared = {
      SIJILL_EVENT_STORE: eventStore.connectionString,
      SIJILL_DATABASE: await postgres.freshDatabase('sijill'),
      SIJILL_KEYRING_FILE: join(freshDataDir('keys'), 'keyring.json'),
    };
    const start = async (node: string, roles: string): Promise<TestServer> => {
      const server = await startServer({ ...shared, SIJILL_NODE_ID: node, SIJILL_ROLES: roles });
      servers.push(server);
      return server;
    };
    const api = await start('api', 'api,intake,projector');
    const key = await api.key('producer', 'officer');
    const sent = await request(`${api.url}/v1/events`, { key, body: disclosed('+966500000042'), type: SINGLE });
    expect(sent.status).toBe(201);
    expect((await request(`${api.url}/log/vkey`)).status).toBe(404);
    expect((await sijill(['log-key', 'list'], api.env)).code).toBe(0);

    const notary = await start('notary', 'notary');
    const vkey = (await logKeyOf(api)).trim();
    expect(signingFiles(notary.dataDir)).toEqual(['log-key-1.json']);
    await eventually(
      () => request(`${api.url}/log/checkpoint`),
      ({ status }) => status === 200,
    );
    const log = `${api.url}/log`;
    expect(await sijillJson(['verify', 'log', log, '--key', vkey], {})).toMatchObject({ holds: true });
    expect(await sijillJson(['verify', 'keys', log, '--key', vkey], {})).toMatchObject({ holds: true, keys: [vkey] });
    expect(await sijillJson(['verify', 'store', '--key', vkey], api.env)).toMatchObject({ holds: true });
    const listed = await sijillJson<{ keys: object[] }>(['log-key', 'list'], api.env);
    expect(listed.keys).toMatchObject([{ generation: 1, key: vkey, signs: true }]);

    // Who has no key announces none.
    const refused = await sijill(['log-key', 'introduce'], api.env);
    expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('there is no signing key at')]);
    const next = await sijillJson<{ key: string }>(['log-key', 'introduce'], notary.env);
    await eventually(
      () => logKeyOf(api),
      (keys) => keys === `${vkey}\n${next.key}\n`,
    );
    expect(signingFiles(notary.dataDir)).toEqual(['log-key-1.json', 'log-key-2.json']);
    expect(signingFiles(api.dataDir)).toEqual([]);

    // A second notary with keys of its own does not start; nor does it with a key that is not whole.
    const folder = freshDataDir('second');
    const second = { ...shared, SIJILL_DATA_DIR: folder, SIJILL_NODE_ID: 'second', SIJILL_ROLES: 'notary' };
    expect(await sijill(['serve'], second)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/there is no key at .*log-key-1\.json.*from its backup.*No new one is made/),
    });
    mkdirSync(join(folder, 'vault'));
    const whole = readFileSync(join(notary.dataDir, 'vault', 'log-key-1.json'), 'utf8');
    writeFileSync(join(folder, 'vault', 'log-key-1.json'), whole.slice(0, 80));
    expect(await sijill(['serve'], second)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/log-key-1\.json is not whole; put it back from its backup/),
    });

    // What signs elsewhere and cannot be reached is named.
    const away = { ...notary.env, SIJILL_LOG_SIGNER: 'http://127.0.0.1:9/log/{generation}' };
    const { code, stdout } = await sijill(['doctor', '--json'], away);
    const { checks } = JSON.parse(stdout) as { checks: { check: string }[] };
    expect([code, checks.filter(({ check }) => check === 'log key')]).toEqual([
      3,
      [1, 2].map((generation) =>
        expect.objectContaining({
          status: 'fail',
          detail: expect.stringContaining(`http://127.0.0.1:9/log/${generation} cannot be reached`),
          cure: expect.stringContaining('SIJILL_LOG_SIGNER'),
        }),
      ),
    ]);
    const well = await sijillJson<{ checks: { check: string; status: string }[] }>(['doctor'], notary.env);
    expect(well.checks.filter(({ check }) => check === 'log key').map(({ status }) => status)).toEqual(['ok', 'ok']);
  }, 240_000);
});

describe('in production', () => {
  it.each([
    ['notary', 'log-key-1.json', {}],
    [
      'witness',
      'witness-key.json',
      { SIJILL_WITNESSED_LOGS: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW' },
    ],
  ])('the role %s does not start without its key, and says how to make it', async (role, name, more) => {
    const keyring = join(freshDataDir('keys'), 'keyring.json');
    expect((await sijill(['keys', 'keyring', '--out', keyring], {})).code).toBe(0);
    const env = {
      SIJILL_DATA_DIR: freshDataDir('production'),
      SIJILL_MODE: 'production',
      SIJILL_HTTP_PORT: '0',
      SIJILL_KEYRING_FILE: keyring,
      SIJILL_ROLES: role,
      ...more,
    };
    const file = join(env.SIJILL_DATA_DIR, 'vault', name);
    expect(await sijill(['serve'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`sijill keys signing --out ${file}`),
    });
    const made = await sijillJson<{ file: string; publicKey: string }>(['keys', 'signing', '--out', file], {});
    expect(made).toMatchObject({ file, publicKey: expect.stringMatching(/^[A-Za-z0-9+/]{43}=$/) });
    expect((await sijill(['keys', 'signing', '--out', file], {})).code).toBe(2);
    const server = await startServer(env);
    expect((await request(`${server.url}/health/live`)).status).toBe(200);
    await server.kill();
  });
});

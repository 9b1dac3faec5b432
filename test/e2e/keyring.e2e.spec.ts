import { copyFileSync, existsSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { disclosed, SINGLE } from '../support/events.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { eventually, request, sijill, sijillJson, startServer, type TestServer } from '../support/sijill.js';

const PHONES = ['+966500000071', '+966500000072'] as const;

function contract(database: string, databases: () => Promise<Record<string, string>>): void {
  it(`gets new keys beside a running server on ${database}, which goes on; one that is older is refused at the start`, async () => {
    const server = await startServer(await databases());
    const [producer, officer] = [await server.key('producer'), await server.key('officer')];
    const keyring = join(server.dataDir, 'vault', 'keyring.json');
    const yesterday = join(server.dataDir, 'yesterday.json');
    const send = async (phone: string): Promise<number> =>
      (await request(`${server.url}/v1/events`, { key: producer, body: disclosed(phone), type: SINGLE })).status;
    const eventIds = async (phone: string): Promise<unknown[]> => {
      const args = ['history', '--identifier', `phone:${phone}`, '--reason', 'test'];
      const { items } = await sijillJson<{ items: { eventId: unknown }[] }>(args, server.env);
      return items.map(({ eventId }) => eventId);
    };
    expect(await send(PHONES[0])).toBe(201);
    copyFileSync(keyring, yesterday);

    const made = await sijillJson<{ current: string; wrapped: number }>(['keys', 'keyring', 'rotate'], server.env);
    expect(made.wrapped).toBeGreaterThan(0);
    const { wrapping } = JSON.parse(readFileSync(keyring, 'utf8')) as {
      wrapping: { current: string; keys: Record<string, string> };
    };
    expect([wrapping.current, Object.keys(wrapping.keys).length]).toEqual([made.current, 2]);
    for (const phone of PHONES) expect(await send(phone)).toBe(201);
    const lookUp = { identifier: { scheme: 'phone', value: PHONES[0] }, reason: 'test' };
    expect((await request(`${server.url}/v1/subjects/lookup`, { key: officer, body: lookUp })).status).toBe(200);
    expect(await sijillJson(['keys', 'keyring', 'rotate', '--resume'], server.env)).toMatchObject({
      current: made.current,
      wrapped: 0,
    });
    for (const keys of ['index', 'tags'])
      expect(await sijillJson(['keys', 'keyring', 'rotate', keys], server.env)).toMatchObject({ keys });
    expect(await send(PHONES[1])).toBe(201);
    expect(await eventIds(PHONES[0])).toEqual([expect.any(String), expect.any(String)]);
    expect(await eventIds(PHONES[1])).toEqual([expect.any(String), expect.any(String)]);
    await server.kill();

    const old = await sijill(['serve'], { ...server.env, SIJILL_KEYRING_FILE: yesterday });
    expect([old.code, old.stdout + old.stderr]).toEqual([2, expect.stringContaining(made.current)]);
    const again = await startServer(server.env);
    expect((await request(`${again.url}/v1/subjects/lookup`, { key: officer, body: lookUp })).status).toBe(200);
    await again.kill();
  }, 240_000);
}

describe('the keyring', () => {
  contract('SQLite', () => Promise.resolve({}));

  it('is nothing without its vault: where that is lost, nobody makes a new one', async () => {
    const server = await startServer();
    const producer = await server.key('producer');
    const send = (url: string): ReturnType<typeof request> =>
      request(`${url}/v1/events`, { key: producer, body: disclosed(PHONES[0]), type: SINGLE });
    expect((await send(server.url)).status).toBe(201);
    await server.kill();
    const vault = join(server.dataDir, 'vault', 'vault.sqlite');
    renameSync(vault, `${vault}.away`);

    const lost = `there is no vault at ${vault}`;
    // In this order: what has only looked must not have made one for the next.
    for (const args of [
      ['doctor'],
      ['keys', 'keyring', 'rotate'],
      ['backup', join(server.dataDir, 'backup')],
      ['history', '--identifier', `phone:${PHONES[0]}`, '--reason', 'test'],
      ['serve'],
      ['serve'],
    ]) {
      const { code, stdout, stderr } = await sijill([...args, ...(args[0] === 'doctor' ? ['--json'] : [])], server.env);
      expect([args, code, stdout + stderr]).toEqual([
        args,
        args[0] === 'doctor' ? 3 : 2,
        expect.stringContaining(lost),
      ]);
    }
    expect(existsSync(vault)).toBe(false);
    renameSync(`${vault}.away`, vault);
    const again = await startServer(server.env);
    expect((await send(again.url)).status).toBe(201);
    await again.kill();
  }, 240_000);

  describe('with one more key by which the ledger knows its entries', () => {
    interface Ready {
      readonly status: string;
      readonly checks: Record<'vault' | 'foreign', { status: string; detail: string | null }>;
    }
    const ADDED = 'a-00000000added';
    const MADE_UP = 'a-0000madeup000';
    const ready = async ({ url }: TestServer): Promise<Ready> => (await request<Ready>(`${url}/health/ready`)).body;
    const verified = async (server: TestServer, keyring: string): Promise<Record<string, unknown>> => {
      const { body: vkey } = await request<string>(`${server.url}/log/vkey`);
      const args = ['verify', 'store', '--key', vkey.trim(), '--json'];
      const { stdout } = await sijill(args, { ...server.env, SIJILL_KEYRING_FILE: keyring });
      return JSON.parse(stdout) as Record<string, unknown>;
    };

    it('a process that lacks it names it and signs nothing as foreign; it goes on once the keyring is there', async () => {
      const server = await startServer();
      const keyring = join(server.dataDir, 'vault', 'keyring.json');
      const [yesterday, newest] = [join(server.dataDir, 'yesterday.json'), join(server.dataDir, 'newest.json')];
      const producer = await server.key('producer');
      const send = async (phone: string = PHONES[0]): Promise<number> =>
        (await request(`${server.url}/v1/events`, { key: producer, body: disclosed(phone), type: SINGLE })).status;
      expect(await send()).toBe(201);
      copyFileSync(keyring, yesterday);
      const content = JSON.parse(readFileSync(keyring, 'utf8')) as {
        authenticator: { current: string; keys: Record<string, string> };
      };
      content.authenticator.keys[ADDED] = Buffer.alloc(32, 7).toString('base64url');
      content.authenticator.current = ADDED;
      writeFileSync(newest, JSON.stringify(content), { mode: 0o600 });

      // Somebody with the newest keyring looks a person up: that is an entry under the new key.
      const args = ['history', '--identifier', `phone:${PHONES[0]}`, '--reason', 'test'];
      await sijillJson(args, { ...server.env, SIJILL_KEYRING_FILE: newest });
      const told = await eventually(
        () => ready(server),
        ({ checks }) => checks.vault.status === 'down',
      );
      expect(told.status).toBe('not_ready');
      expect(told.checks.vault.detail).toContain(`it lacks the authenticator key ${ADDED}. Put the newest one back`);
      expect(told.checks.foreign).toEqual({ status: 'up', detail: null });
      // Of whom it knows it goes on to write, under the key before, by which everybody knows it; the vault it changes no more.
      expect(await send(PHONES[1])).toBe(503);
      const old = await sijill(args, { ...server.env, SIJILL_KEYRING_FILE: yesterday });
      expect([old.code, old.stdout + old.stderr]).toEqual([2, expect.stringContaining(ADDED)]);
      const doctor = await sijill(['doctor', '--json'], { ...server.env, SIJILL_KEYRING_FILE: yesterday });
      expect([doctor.code, doctor.stdout]).toEqual([3, expect.stringContaining(`authenticator key ${ADDED}`)]);

      copyFileSync(newest, keyring);
      await eventually(
        () => ready(server),
        ({ status }) => status === 'ready',
      );
      expect(await send()).toBe(201);
      const whole = await eventually(
        () => verified(server, newest),
        ({ unsigned }) => unsigned === 0,
      );
      expect(whole).toMatchObject({ holds: true, foreign: { events: 0 } });
      expect((await ready(server)).checks.foreign).toEqual({ status: 'up', detail: null });
      // Whoever checks with yesterday's keyring is told the same.
      expect(await verified(server, yesterday)).toMatchObject({
        holds: false,
        findings: [{ what: 'entry', detail: expect.stringContaining(`key ${ADDED}, which this keyring lacks`) }],
      });
      await server.kill();
    }, 240_000);

    it('one that somebody made up stops nothing: what names it is foreign, and told with its name', async () => {
      const server = await startServer();
      const producer = await server.key('producer');
      const send = async (): Promise<number> =>
        (await request(`${server.url}/v1/events`, { key: producer, body: disclosed(PHONES[0]), type: SINGLE })).status;
      expect(await send()).toBe(201);
      const store = new Sqlite(join(server.dataDir, 'ledger.sqlite'));
      const insert = store.prepare(
        `insert into entry (stream_id, revision, id, type, data, metadata)
         select stream_id, 1 + (select max(revision) from entry last where last.stream_id = entry.stream_id), ?, type, data,
           replace(metadata, substr(metadata, instr(metadata, '"by":"'), 6 + 14), '"by":"' || ?)
         from entry where type = 'sijill.data.disclosed.v1' limit 1`,
      );
      insert.run('0198a1b2-0000-7000-8000-000000000009', MADE_UP);
      store.close();
      const told = await eventually(
        () => ready(server),
        ({ checks }) => checks.foreign.detail !== null,
      );
      expect(told).toMatchObject({ status: 'ready', checks: { vault: { status: 'up' } } });
      expect(told.checks.foreign.detail).toContain(`under a key ${MADE_UP} that this ledger does not have`);
      expect(server.log()).toContain(`"unknownKey":"${MADE_UP}"`);
      expect(await send()).toBe(201);
      const keyring = join(server.dataDir, 'vault', 'keyring.json');
      const whole = await eventually(
        () => verified(server, keyring),
        ({ unsigned }) => unsigned === 0,
      );
      expect(whole).toMatchObject({ holds: true, foreign: { events: 1 } });
      await server.kill();
      const again = await startServer(server.env);
      expect((await ready(again)).status).toBe('ready');
      await again.kill();
    }, 240_000);
  });
});

describeWithPostgres('the keyring, with PostgreSQL', (postgres) => {
  contract('PostgreSQL', async () => ({
    SIJILL_DATABASE: await postgres.freshDatabase('sijill'),
    SIJILL_VAULT_DATABASE: await postgres.freshDatabase('vault'),
  }));
});

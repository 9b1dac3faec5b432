import { copyFileSync, cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { copyOf } from '../support/eventstoredb/data-directory.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { BATCH, disclosed } from '../support/events.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { proofOf, sendDisclosures } from '../support/send-disclosures.js';
import {
  eventually,
  freshDataDir,
  request,
  sijill,
  sijillJson,
  startServer,
  type TestServer,
} from '../support/sijill.js';

type Json = Record<string, unknown>;

/** An event store that can be put back to what it was. */
interface Losing {
  readonly env: Record<string, string>;
  /** Keeps a copy. No server of the ledger is running. */
  keep(dataDir: string): Promise<void>;
  /** Has only the copy. @returns whether a server may run meanwhile */
  lose(dataDir: string): Promise<void>;
  stop(): Promise<void>;
}

const PHONE = '+966500000061';
const OTHER = '+966500000062';
const REASON = 'both disks failed, ticket 4711';

/** Copies a database that nobody has open, with what SQLite keeps beside it. */
function copyStore(from: string, to: string): void {
  for (const suffix of ['', '-wal', '-shm']) {
    rmSync(to + suffix, { force: true });
    if (existsSync(from + suffix)) copyFileSync(from + suffix, to + suffix);
  }
}

/** @param runs whether the server is running while the store is exchanged */
function contract(name: string, open: () => Promise<Losing>, runs: boolean): void {
  describe(`a ledger on ${name} whose store has lost its end`, () => {
    const folder = freshDataDir('accept-loss');
    const save = (file: string, content: string | Uint8Array): string => {
      writeFileSync(join(folder, file), content);
      return join(folder, file);
    };
    let [server, producer, officer, port] = [null as unknown as TestServer, '', '', '0'];
    let losing: Losing;
    afterAll(async () => {
      await server.kill();
      await losing.stop();
    });
    const start = async (env: Record<string, string>): Promise<void> => {
      server = await startServer({ ...env, SIJILL_HTTP_PORT: port });
      ({ port } = new URL(server.url));
    };
    /** Sends twenty at a time until a receipt is given for them, and waits until they are signed. */
    const promised = async (phone: string): Promise<string> => {
      const receipt = await eventually(
        async () => {
          const response = await fetch(`${server.url}/v1/events`, {
            method: 'POST',
            headers: { authorization: `Bearer ${producer}`, 'content-type': BATCH, prefer: 'return=receipt' },
            body: JSON.stringify(Array.from({ length: 20 }, () => disclosed(phone))),
          });
          expect(response.status).toBe(201);
          return ((await response.json()) as { receipt: string | null }).receipt;
        },
        (given) => given !== null,
      );
      await proofOf(server, officer, await sendDisclosures(server, producer, phone, 1));
      return receipt!;
    };
    const checkpoint = async (): Promise<string> => (await request<string>(`${server.url}/log/checkpoint`)).body;
    const history = async (phone: string): Promise<number> => {
      const args = ['history', '--identifier', `phone:${phone}`, '--reason', 'a test of what is left'];
      return (await sijillJson<{ items: unknown[] }>(args, server.env)).items.length;
    };
    const verified = async (...args: string[]): Promise<{ code: number; answer: Json }> => {
      const { code, stdout, stderr } = await sijill(['verify', ...args, '--json'], server.env);
      if (stdout === '') throw new Error(stderr);
      return { code, answer: JSON.parse(stdout) as Json };
    };
    const ready = (): Promise<{ status: number; body: Json }> => request<Json>(`${server.url}/health/ready`);

    it('takes nothing in until that is accepted; then all who follow it see what is lost', async () => {
      losing = await open();
      const { env } = losing;
      await start(env);
      [producer, officer] = [await server.producer('platform'), await server.key('officer')];
      const { dataDir } = server;
      const receiptOfKept = save('kept-receipt', await promised(PHONE));
      const entry = await sendDisclosures(server, producer, PHONE, 1);
      const proof = save('proof', await proofOf(server, officer, entry));
      const leaf = await fetch(`${server.url}/v1/entries/${entry}/leaf`, {
        headers: { authorization: `Bearer ${officer}` },
      });
      const leafFile = save('leaf', new Uint8Array(await leaf.arrayBuffer()));
      const vkey = save('log.vkey', (await request<string>(`${server.url}/log/vkey`)).body);
      const before = save('before', await checkpoint());
      const people = await history(PHONE);
      expect(await server.kill()).toBe(0);
      await losing.keep(dataDir);

      await start({ ...env, SIJILL_DATA_DIR: dataDir });
      const receiptOfLost = save('lost-receipt', await promised(OTHER));
      const state = join(folder, 'monitor');
      const monitor = (): ReturnType<typeof sijill> =>
        sijill(['monitor', `${server.url}/log`, '--key', vkey, '--once', '--json', '--state', state], {});
      expect((await monitor()).code).toBe(0);
      const since = save('since', await checkpoint());
      expect(await history(OTHER)).toBeGreaterThan(20);
      if (!runs) expect(await server.kill()).toBe(0);

      await losing.lose(dataDir);
      if (runs) {
        const refusing = await eventually(ready, ({ status }) => status === 503);
        expect(JSON.stringify(refusing.body)).toContain('sijill ledger accept-loss');
        expect(
          (await request(`${server.url}/v1/events`, { key: producer, body: [disclosed(PHONE)], type: BATCH })).status,
        ).toBe(503);
      }
      const shown = await sijill(['ledger', 'show'], server.env);
      expect([shown.code, shown.stderr]).toEqual([3, expect.stringContaining('sijill ledger accept-loss')]);
      const accept = (): ReturnType<typeof sijill> =>
        sijill(['ledger', 'accept-loss', '--reason', REASON, '--json'], server.env);
      if (runs) {
        expect(await accept()).toMatchObject({
          code: 2,
          stderr: expect.stringContaining('Stop all servers') as string,
        });
        expect(await server.kill()).toBe(0);
      }
      const accepted = await accept();
      expect([accepted.code, accepted.stderr]).toEqual([0, '']);
      expect([JSON.parse(accepted.stdout)]).toEqual([
        {
          entryId: expect.any(String) as string,
          losses: 1,
          lost: expect.objectContaining({ store: expect.anything() }),
        },
      ]);
      expect(await accept()).toMatchObject({ code: 2, stderr: expect.stringContaining('nothing is lost') as string });
      await start({ ...env, SIJILL_DATA_DIR: dataDir });
      expect(await history(PHONE)).toBe(people);
      await proofOf(server, officer, await sendDisclosures(server, producer, OTHER, 3));
      expect((await checkpoint()).split('\n')[0]).toMatch(/\/after-loss-1$/);
      expect(await history(OTHER)).toBe(3);

      const log = `${server.url}/log`;
      const lost = [expect.objectContaining({ losses: 1 })];
      for (const kept of [before, since])
        expect(await verified('log', log, '--key', vkey, '--since', kept)).toEqual({
          code: 0,
          answer: expect.objectContaining({ holds: true, losses: 1, lost }) as Json,
        });
      const found = await monitor();
      expect([found.code, JSON.parse(found.stdout)]).toEqual([
        1,
        expect.objectContaining({ alarm: expect.objectContaining({ kind: 'loss' }) }),
      ]);
      expect((await monitor()).code).toBe(0);
      expect(await verified('receipt', receiptOfKept, '--log', log, '--key', vkey)).toMatchObject({
        code: 0,
        answer: { promise: 'kept' },
      });
      expect(await verified('receipt', receiptOfLost, '--log', log, '--key', vkey)).toMatchObject({
        code: 1,
        answer: { promise: 'lost', lost },
      });
      expect((await verified('entry', leafFile, proof, '--key', vkey)).code).toBe(0);
      expect(await verified('keys', log, '--key', vkey)).toMatchObject({ code: 0, answer: { losses: 1 } });
      expect(await verified('store', '--key', vkey, '--checkpoint', since)).toMatchObject({
        code: 0,
        answer: { holds: true, losses: 1 },
      });

      const out = join(folder, 'accounting.json');
      const report = [
        'report',
        'accounting',
        '--identifier',
        `phone:${PHONE}`,
        '--reason',
        'test',
        '--format',
        'json',
        '--out',
        out,
      ];
      expect((await sijill(report, server.env)).code).toBe(0);
      const bundle = await verified('bundle', join(folder, 'accounting.proof'), '--report', out, '--key', vkey);
      expect(bundle).toMatchObject({ code: 0, answer: { holds: true, losses: 1 } });
    }, 300_000);
  });
}

contract(
  'an embedded store',
  () => {
    const copy = join(freshDataDir('copy'), 'ledger.sqlite');
    const fileIn = (dataDir: string): string => join(dataDir, 'ledger.sqlite');
    return Promise.resolve({
      env: {},
      keep: async (dataDir) => copyStore(fileIn(dataDir), copy),
      lose: async (dataDir) => copyStore(copy, fileIn(dataDir)),
      stop: async () => undefined,
    });
  },
  false,
);

describeWithPostgres('with PostgreSQL', (postgres) => {
  contract(
    'EventStoreDB and PostgreSQL',
    async () => {
      const stored = freshDataDir('esdb');
      let copy = '';
      let standIn: StandIn = await startEventStoreDbStandIn({ dataDir: stored });
      const { port } = standIn;
      return {
        env: {
          SIJILL_EVENT_STORE: standIn.connectionString,
          SIJILL_DATABASE: await postgres.freshDatabase('sijill'),
          SIJILL_VAULT_DATABASE: await postgres.freshDatabase('vault'),
        },
        keep: async () => void (copy = copyOf(stored)),
        lose: async () => {
          await standIn.stop();
          rmSync(stored, { recursive: true });
          cpSync(copy, stored, { recursive: true });
          standIn = await startEventStoreDbStandIn({ dataDir: stored, port });
        },
        stop: () => standIn.stop(),
      };
    },
    true,
  );
});

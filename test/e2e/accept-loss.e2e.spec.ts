import { copyFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH, disclosed } from '../support/events.js';
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

const PHONE = '+966500000061';
const OTHER = '+966500000062';
const STORE = 'ledger.sqlite';

/** Puts another copy where a database of a ledger is, whose servers are stopped. */
function putBack(file: string, copy: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
  copyFileSync(copy, file);
}

describe('a ledger whose store has lost its end', () => {
  const folder = freshDataDir('accept-loss');
  const save = (name: string, content: string): string => {
    const file = join(folder, name);
    writeFileSync(file, content);
    return file;
  };
  let server: TestServer;
  const send = async (phone: string, count: number): Promise<string | null> => {
    const response = await fetch(`${server.url}/v1/events`, {
      method: 'POST',
      headers: {
        authorization: `Bearer ${producer}`,
        'content-type': BATCH,
        prefer: 'return=receipt',
      },
      body: JSON.stringify(Array.from({ length: count }, () => disclosed(phone))),
    });
    expect(response.status).toBe(201);
    return ((await response.json()) as { receipt: string | null }).receipt;
  };
  let producer = '';
  /** Sends twenty at a time until a receipt is given for them. */
  const promised = async (phone: string): Promise<string> =>
    (await eventually(
      () => send(phone, 20),
      (receipt) => receipt !== null,
    ))!;
  /** So many entries the store has by now, or a few less: what waits for the log is not asked for. */
  const leaves = async (): Promise<number> =>
    (await sijillJson<{ store: { position: number } }>(['ledger', 'show'], server.env)).store.position;
  const signed = async (least: number): Promise<string> => {
    const { body } = await eventually(
      () => request<string>(`${server.url}/log/checkpoint`),
      ({ status, body: note }) => status === 200 && Number(note.split('\n')[1]) >= least,
    );
    return body;
  };
  const history = async (phone: string): Promise<number> => {
    const args = ['history', '--identifier', `phone:${phone}`, '--reason', 'a test of what is left'];
    return (await sijillJson<{ items: unknown[] }>(args, server.env)).items.length;
  };
  const verified = async (...args: string[]): Promise<{ code: number; answer: Json }> => {
    const { code, stdout, stderr } = await sijill(['verify', ...args, '--json'], {});
    if (stdout === '') throw new Error(stderr);
    return { code, answer: JSON.parse(stdout) as Json };
  };

  it('takes nothing in until that is accepted; then all who follow it see what is lost', async () => {
    server = await startServer();
    producer = await server.producer('platform');
    const receiptOfKept = save('kept-receipt', await promised(PHONE));
    const vkey = save('log.vkey', (await request<string>(`${server.url}/log/vkey`)).body);
    const before = save('before', await signed(await leaves()));
    const people = await history(PHONE);
    await server.kill();
    await sijill(['ledger', 'show'], server.env);
    const copy = join(folder, STORE);
    // The last process that closes it leaves no write-ahead log.
    copyFileSync(join(server.dataDir, STORE), copy);

    server = await startServer({ SIJILL_DATA_DIR: server.dataDir });
    const receiptOfLost = save('lost-receipt', await promised(OTHER));
    await signed(await leaves());
    const monitor = [
      'monitor',
      `${server.url}/log`,
      '--key',
      vkey,
      '--once',
      '--json',
      '--state',
      join(folder, 'monitor'),
    ];
    expect((await sijill(monitor, {})).code).toBe(0);
    const since = save('since', await signed(await leaves()));
    const env = server.env;
    expect(await history(OTHER)).toBeGreaterThanOrEqual(20);
    expect(await server.kill()).toBe(0);

    putBack(join(server.dataDir, STORE), copy);
    const refused = await sijill(['ledger', 'show'], env);
    expect(refused.code).toBe(3);
    expect(refused.stderr).toContain('sijill ledger accept-loss');

    const accepted = await sijillJson<{ entryId: string; losses: number; lost: Json }>(
      ['ledger', 'accept-loss', '--reason', 'both disks failed, ticket 4711'],
      env,
    );
    expect(accepted).toMatchObject({ losses: 1, lost: { store: {}, log: {} } });
    const again = await sijill(['ledger', 'accept-loss', '--reason', 'once more'], env);
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('nothing is lost')]);

    const { port } = new URL(server.url);
    server = await startServer({ SIJILL_DATA_DIR: server.dataDir, SIJILL_HTTP_PORT: port });
    expect(await history(PHONE)).toBe(people);
    expect((await sijill(['history', '--identifier', `phone:${OTHER}`, '--reason', 'gone'], server.env)).code).toBe(0);
    await send(OTHER, 3);
    const note = await signed(1);
    expect(note.split('\n')[0]).toMatch(/\/after-loss-1$/);
    expect(await history(OTHER)).toBe(3);

    const log = `${server.url}/log`;
    const whole = await verified('log', log, '--key', vkey, '--since', since);
    expect([whole.code, whole.answer]).toEqual([
      0,
      expect.objectContaining({ losses: 1, lost: [expect.objectContaining({ losses: 1 })] }),
    ]);
    expect(await verified('log', log, '--key', vkey, '--since', before)).toMatchObject({ code: 0 });

    const found = await sijill(monitor, {});
    expect([found.code, JSON.parse(found.stdout)]).toEqual([
      1,
      expect.objectContaining({ alarm: expect.objectContaining({ kind: 'loss' }) }),
    ]);
    expect((await sijill(monitor, {})).code).toBe(0);

    const kept = await verified('receipt', receiptOfKept, '--log', log, '--key', vkey);
    expect([kept.code, kept.answer['promise']]).toEqual([0, 'kept']);
    const lost = await verified('receipt', receiptOfLost, '--log', log, '--key', vkey);
    expect([lost.code, lost.answer['promise'], lost.answer['lost']]).toEqual([
      1,
      'lost',
      [expect.objectContaining({ losses: 1 })],
    ]);

    const store = await sijill(['verify', 'store', '--key', vkey, '--checkpoint', since, '--json'], server.env);
    expect([store.code, store.stdout]).toEqual([0, expect.stringContaining('"losses":1')]);
    expect(await server.kill()).toBe(0);
  }, 240_000);
});

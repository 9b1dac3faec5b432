import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { EventStoreDBClient } from '@eventstore/db-client';
import { disclosed, SINGLE } from '../support/events.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';
import { freePorts } from '../support/free-port.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import {
  eventually,
  freshDataDir,
  launchServer,
  readyServer,
  request,
  sijill,
  startServer,
  type HttpAnswer,
  type LaunchedServer,
  type TestServer,
} from '../support/sijill.js';
import { TcpGate } from '../support/tcp-gate.js';

interface Ready {
  readonly status: string;
  readonly checks: Record<string, { readonly status: string; readonly detail: string | null }>;
}

const PHONE = '+966500000033';
/** An answer within a second is promised; a machine with much to do may take longer, and one that hangs never answers. */
const IN_TIME_MS = 3_000;

const ready = async (url: string): Promise<HttpAnswer<Ready>> => {
  const begun = Date.now();
  const answer = await request<Ready>(`${url}/health/ready`);
  expect(Date.now() - begun).toBeLessThan(IN_TIME_MS);
  return answer;
};
const live = async (url: string): Promise<number> => {
  const begun = Date.now();
  const { status } = await request(`${url}/health/live`);
  expect(Date.now() - begun).toBeLessThan(IN_TIME_MS);
  return status;
};

/** A server on a port that is known before it is ready. */
async function launch(env: Record<string, string>): Promise<LaunchedServer & { readonly url: string }> {
  const [port = 0] = await freePorts(1);
  const server = { ...launchServer({ SIJILL_HTTP_PORT: String(port), ...env }), url: `http://127.0.0.1:${port}` };
  await eventually(
    () => live(server.url).catch((error: Error) => error.message),
    (status) => status === 200,
  );
  return server;
}

function linesOf({ log }: Pick<LaunchedServer, 'log'>): Record<string, unknown>[] {
  // Each is JSON, whatever it says.
  return log()
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** What everybody gets who asks for anything else meanwhile. */
async function expectNothingElse(url: string): Promise<void> {
  const asked = [
    await request(`${url}/v1/events`, { body: disclosed(PHONE), type: SINGLE }),
    await request(`${url}/log/checkpoint`),
    await request(`${url}/nowhere`),
  ];
  for (const { status, headers, body } of asked) {
    expect([status, headers.get('content-type')]).toEqual([503, 'application/problem+json; charset=utf-8']);
    expect(headers.get('retry-after')).toMatch(/^\d+$/);
    expect(body).toMatchObject({ type: 'urn:sijill:problem:unavailable', status: 503 });
  }
}

/** Asks again and again, so that a moment without an answer is noticed. */
function asking(url: string): {
  stop(): Promise<{ readonly statuses: readonly number[]; readonly failures: unknown[] }>;
} {
  const statuses: number[] = [];
  const failures: unknown[] = [];
  let going = true;
  const run = (async () => {
    while (going) {
      await request(`${url}/health/ready`).then(
        ({ status }) => statuses.push(status),
        (error: unknown) => failures.push(error),
      );
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  })();
  return {
    stop: async () => {
      going = false;
      await run;
      return { statuses, failures };
    },
  };
}

describe('a server whose event store is away', () => {
  let standIn: StandIn;
  let gate: TcpGate;
  let env: Record<string, string>;
  const running: Pick<LaunchedServer, 'kill'>[] = [];
  const started = <T extends Pick<LaunchedServer, 'kill'>>(server: T): T => {
    running.push(server);
    return server;
  };
  beforeEach(async () => {
    standIn = await startEventStoreDbStandIn();
    gate = await TcpGate.before(standIn.port);
    env = { SIJILL_EVENT_STORE: `esdb://127.0.0.1:${gate.port}?tls=false`, SIJILL_DATA_DIR: freshDataDir('away') };
  });
  afterEach(async () => {
    await Promise.all(running.splice(0).map((server) => server.kill('SIGKILL')));
    await gate.close();
    await standIn.stop();
  });
  const send = (server: Pick<TestServer, 'url'>, key: string, id: string): Promise<HttpAnswer<{ detail?: string }>> =>
    request(`${server.url}/v1/events`, { key, body: disclosed(PHONE, { id }), type: SINGLE });

  it('at its start waits for it, says so, and goes on by itself, its port bound all the time', async () => {
    const server = started(await launch(env));
    const waiting = await eventually(
      () => ready(server.url),
      ({ body }) => /ECONNREFUSED/.test(body.checks['store']?.detail ?? ''),
    );
    expect([waiting.status, waiting.body.status, waiting.body.checks['store']!.status]).toEqual([
      503,
      'not_ready',
      'down',
    ]);
    await expectNothingElse(server.url);
    // A command does not wait.
    expect((await sijill(['history', '--identifier', `phone:${PHONE}`, '--reason', 'test'], env)).code).toBe(3);
    // Longer than many tries take.
    await new Promise((resolve) => setTimeout(resolve, 6_000));
    expect(await live(server.url)).toBe(200);
    expect(existsSync(join(server.dataDir, 'server.json'))).toBe(false);
    const said = linesOf(server).filter(({ part }) => part === 'store');
    expect(said.length).toBeGreaterThan(0);
    expect(said.length).toBeLessThan(4);

    const asked = asking(server.url);
    await gate.open();
    const there = await readyServer(server);
    await eventually(
      () => ready(server.url),
      ({ status }) => status === 200,
    );
    const { statuses, failures } = await asked.stop();
    expect(failures).toEqual([]);
    expect([...new Set(statuses)]).toEqual([503, 200]);
    expect((await send(there, await there.key('producer'), 'one')).status).toBe(201);
    expect(await server.kill()).toBe(0);
    linesOf(server);
  });

  it('is told to stop while it waits, and stops cleanly, also where the store takes connections and says nothing', async () => {
    const refused = started(await launch(env));
    await eventually(
      () => ready(refused.url),
      ({ body }) => body.checks['store']?.status === 'down',
    );
    expect(await refused.kill()).toBe(0);

    gate.freeze();
    await gate.open();
    const mute = started(await launch(env));
    const { status, body } = await eventually(
      () => ready(mute.url),
      (answer) => answer.body.checks['store']?.status === 'down',
    );
    expect([status, body.checks['store']!.detail]).toEqual([503, expect.stringMatching(/^no answer in \d+ ms/)]);
    const begun = Date.now();
    expect(await mute.kill()).toBe(0);
    expect(Date.now() - begun).toBeLessThan(10_000);
    expect(existsSync(join(mute.dataDir, 'server.json'))).toBe(false);
  });

  it('ends, with a line of the log, on what waiting cannot mend', async () => {
    const server = started(await launch({ ...env, SIJILL_MODE: 'production', SIJILL_DUAL_CONTROL: 'none' }));
    await eventually(
      () => ready(server.url),
      ({ body }) => body.checks['store']?.status === 'down',
    );
    await gate.open();
    expect(await server.exited).toBe(2);
    expect(linesOf(server).at(-1)).toMatchObject({
      level: 'fatal',
      error: 'KeyringUnusable',
      exit: 2,
      msg: expect.stringContaining('Make one with "sijill keys keyring --out FILE"'),
    });
    // The same for one that does not get as far.
    const misled = launchServer({ SIJILL_ROLES: 'king', SIJILL_LOG_LEVEL: 'silent' });
    expect(await misled.exited).toBe(2);
    expect(linesOf(misled)).toMatchObject([{ level: 'fatal', error: 'ConfigInvalid', exit: 2 }]);
  });

  it('later and silently answers for its health in time, asks no more for that, and stops in time', async () => {
    await gate.open();
    const server = started(await startServer(env));
    const key = await server.key('producer');
    expect((await send(server, key, 'one')).status).toBe(201);
    expect((await ready(server.url)).status).toBe(200);
    gate.freeze();
    const answers = await Promise.all(Array.from({ length: 40 }, () => ready(server.url)));
    for (const { status, body } of answers)
      expect([status, body.status, body.checks['store']]).toEqual([
        503,
        'not_ready',
        { status: 'down', detail: expect.stringMatching(/^no answer in \d+ ms; the last was \d+ s ago$/) },
      ]);
    expect(answers[0]!.body.checks['database']!.status).toBe('up');
    expect(await live(server.url)).toBe(200);
    gate.thaw();
    await eventually(
      () => ready(server.url),
      ({ status }) => status === 200,
    );

    gate.freeze();
    const hanging = send(server, key, 'two').catch((error: Error) => error);
    await eventually(
      () => ready(server.url),
      ({ status }) => status === 503,
    );
    const begun = Date.now();
    await server.kill();
    expect(Date.now() - begun).toBeLessThan(25_000);
    // Whoever waits is told to send it again.
    expect(await hanging).toMatchObject({ status: 503 });
    expect(existsSync(join(server.dataDir, 'server.json'))).toBe(false);
  });

  it('deleted the lane: the store is named as the cause, and no other server', async () => {
    await gate.open();
    const server = started(await startServer({ ...env, SIJILL_NODE_ID: 'tombstoned' }));
    const key = await server.key('producer');
    expect((await send(server, key, 'one')).status).toBe(201);
    const other = EventStoreDBClient.connectionString(standIn.connectionString);
    await other.tombstoneStream('ledger-http/tombstoned');
    await other.dispose();
    for (let i = 0; i < 15; i++) {
      const { status, body } = await send(server, key, `after-${i}`);
      expect([status, body.detail]).toEqual([503, expect.stringContaining('the event store')]);
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { body } = await ready(server.url);
    expect(body.checks['httpLane']).toEqual({
      status: 'down',
      detail: 'StoreRefused: stream ledger-http/tombstoned was deleted',
    });
  });
});

describe('a server whose store is not the one that it was', () => {
  it('is not ready, and says why; with the right one it goes on by itself', async () => {
    const first = await startServer();
    const key = await first.key('producer');
    for (let i = 0; i < 5; i++)
      expect(
        (await request(`${first.url}/v1/events`, { key, body: disclosed(PHONE, { id: `e-${i}` }), type: SINGLE }))
          .status,
      ).toBe(201);
    expect(await first.kill()).toBe(0);
    const { dataDir } = first;
    const files = ['', '-wal', '-shm'].map((end) => `ledger.sqlite${end}`);
    const moved = (from: string, to: string): void => {
      for (const file of files) if (existsSync(join(from, file))) renameSync(join(from, file), join(to, file));
    };
    const aside = freshDataDir('aside');
    moved(dataDir, aside);
    const server = await launch({ SIJILL_DATA_DIR: dataDir });
    const { status, body } = await eventually(
      () => ready(server.url),
      (answer) => /empty/.test(answer.body.checks['store']?.detail ?? ''),
    );
    expect([status, body.status]).toEqual([503, 'not_ready']);
    expect(body.checks['store']!.detail).toMatch(/event store is empty, and the ledger .* has entries up to position/);
    expect(await live(server.url)).toBe(200);
    await expectNothingElse(server.url);
    const doctor = await sijill(['doctor', '--json'], { SIJILL_DATA_DIR: dataDir });
    expect([doctor.code, doctor.stdout]).toEqual([1, expect.stringContaining('the event store is empty')]);

    for (const file of files) rmSync(join(dataDir, file), { force: true });
    moved(aside, dataDir);
    await readyServer(server);
    const answer = await request(`${server.url}/v1/events`, { key, body: disclosed(PHONE), type: SINGLE });
    expect(answer.status).toBe(201);
    expect(await server.kill()).toBe(0);
  });
});

describeWithPostgres('a server whose database is away at its start', (postgres) => {
  it.each(['SIJILL_DATABASE', 'SIJILL_VAULT_DATABASE'])('waits for %s', async (variable) => {
    const url = new URL(await postgres.freshDatabase('away'));
    const gate = await TcpGate.before(Number(url.port));
    url.host = `127.0.0.1:${gate.port}`;
    const part = variable === 'SIJILL_DATABASE' ? 'database' : 'vault';
    const rest: Record<string, string> = part === 'database' ? { SIJILL_VAULT_DATABASE: 'embedded' } : {};
    const server = await launch({ [variable]: url.href, ...rest });
    try {
      const { status, body } = await eventually(
        () => ready(server.url),
        (answer) => answer.body.checks[part]?.status === 'down',
      );
      expect([status, body.checks['store'], body.checks[part]!.detail]).toEqual([
        503,
        { status: 'up' },
        expect.stringContaining('ECONNREFUSED'),
      ]);
      await expectNothingElse(server.url);
      await gate.open();
      const there = await readyServer(server);
      await eventually(
        () => ready(server.url),
        (answer) => answer.status === 200,
      );
      // Away again, it is waited for, and said.
      await gate.close();
      await eventually(
        () => ready(server.url),
        (answer) => answer.status === 503 && answer.body.checks[part]!.status === 'down',
      );
      await gate.open();
      await eventually(
        () => ready(server.url),
        (answer) => answer.status === 200,
      );
      gate.freeze();
      const frozen = await ready(server.url);
      expect([frozen.status, frozen.body.checks[part]!.detail]).toEqual([503, expect.stringContaining('no answer in')]);
      gate.thaw();
      expect(await there.kill()).toBe(0);
    } finally {
      await server.kill('SIGKILL');
      await gate.close();
    }
  });
});

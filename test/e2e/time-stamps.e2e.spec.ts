import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describeWithOpenssl } from '../support/openssl/describe-with-openssl.js';
import { TimeStampAuthority } from '../support/openssl/time-stamp-authority.js';
import { proofOf, sendDisclosures } from '../support/send-disclosures.js';
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

interface Ready {
  readonly checks: {
    readonly timeStamps?: {
      status: string;
      detail: string | null;
      last: { size: number; stampedAt: string; ageSeconds: number } | null;
    };
  };
}

describeWithOpenssl('time stamps of a running ledger', (openssl) => {
  const folder = freshDataDir('time-stamps');
  const servers: TestServer[] = [];
  let authority: TimeStampAuthority;
  const start = async (env: Record<string, string> = {}): Promise<TestServer> => {
    const server = await startServer(env);
    servers.push(server);
    return server;
  };
  const send = async (server: TestServer, count: number): Promise<string> =>
    sendDisclosures(server, await server.key('producer'), '+966500000055', count);
  const stamped = (server: TestServer, query = ''): Promise<{ status: number; body: string }> =>
    request<string>(`${server.url}/log/stamped${query}`);
  const timeStampOf = async (server: TestServer, size: string): Promise<Uint8Array> => {
    const response = await fetch(`${server.url}/log/stamped/${size}.tsr`);
    expect([response.status, response.headers.get('content-type')]).toEqual([200, 'application/timestamp-reply']);
    return new Uint8Array(await response.arrayBuffer());
  };
  const save = (name: string, content: string | Uint8Array): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  beforeAll(async () => {
    authority = await TimeStampAuthority.start(openssl, 'P-384');
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.kill();
  });
  afterAll(() => authority.stop());

  it('are verified with OpenSSL by whoever trusts the authority, and tie the log to a time', async () => {
    // What a start writes is in the log at once, and the first checkpoint that is stamped need not hold more.
    const before = await start();
    const entryId = await send(before, 3);
    await proofOf(before, await before.key('officer'), entryId);
    await before.kill();
    const server = await start({ ...before.env, SIJILL_TIME_STAMP_URL: authority.url });
    const { body: note } = await eventually(
      () => stamped(server),
      ({ status }) => status === 200,
    );
    const size = note.split('\n')[1]!;
    const timeStamp = save('checkpoint.tsr', await timeStampOf(server, size));
    const verify = (data: string): Promise<string> =>
      openssl.run(folder, 'ts', '-verify', '-data', data, '-in', timeStamp, '-CAfile', authority.caFile);
    const checkpoint = save('checkpoint', note);
    expect(await verify(checkpoint)).toContain('Verification: OK');
    await expect(verify(save('changed', note.replace(`\n${size}\n`, `\n1${size}\n`)))).rejects.toThrow('mismatch');

    // The entry is under the stamped checkpoint, and the log has grown from there.
    const officer = await server.key('officer');
    const proof = await proofOf(server, officer, entryId);
    const index = Number(/^index (\d+)$/m.exec(proof)![1]);
    expect(index).toBeLessThan(Number(size));
    expect((await stamped(server, `?index=${index}`)).body).toBe(note);
    const later = await send(server, 4);
    await proofOf(server, officer, later);
    const vkey = save('vkey', await logKeyOf(server));
    const since = ['verify', 'log', `${server.url}/log`, '--key', vkey, '--since', checkpoint];
    expect((await sijill(since, {})).code).toBe(0);

    expect((await stamped(server, '?index=999')).status).toBe(404);
    expect((await stamped(server, '?index=-1')).status).toBe(400);
    for (const file of ['999.tsr', `0${size}.tsr`, size, `${Number(size) - 1}.tsr`])
      expect((await request(`${server.url}/log/stamped/${file}`)).status).toBe(404);

    const { body } = await request<Ready>(`${server.url}/health/ready`);
    expect(body.checks.timeStamps).toEqual({
      status: 'up',
      detail: null,
      last: { size: Number(size), stampedAt: expect.any(String), ageSeconds: expect.any(Number) },
    });
    expect(body.checks.timeStamps!.last!.ageSeconds).toBeLessThan(60);
    const metrics = (await request<string>(`${server.url}/metrics`)).body;
    const at = Number(/^sijill_time_stamped_seconds (\S+)$/m.exec(metrics)![1]);
    expect(at).toBeCloseTo(Date.parse(body.checks.timeStamps!.last!.stampedAt) / 1000, 3);

    // A start is no reason for another one within the hour.
    const asked = authority.asked.length;
    await server.kill();
    const again = await start(server.env);
    await proofOf(again, officer, await send(again, 2));
    await eventually(
      async () => (await request<Ready>(`${again.url}/health/ready`)).body.checks.timeStamps?.last,
      (last) => last?.size === Number(size),
    );
    expect((await stamped(again)).body).toBe(note);
    expect(authority.asked).toHaveLength(asked);
  });

  it('are missed by nobody who waits for a proof while the authority is away', async () => {
    const server = await start({ SIJILL_TIME_STAMP_URL: 'http://127.0.0.1:1/tsr?token=hush' });
    const officer = await server.key('officer');
    await proofOf(server, officer, await send(server, 2));
    const ready = await eventually(
      () => request<Ready>(`${server.url}/health/ready`),
      ({ body }) => body.checks.timeStamps?.status === 'down',
    );
    expect(ready.status).toBe(200);
    expect(ready.body.checks.timeStamps).toEqual({
      status: 'down',
      detail: expect.stringMatching(/^the time stamp authority cannot be reached, since 20/),
      last: null,
    });
    expect((await request<string>(`${server.url}/metrics`)).body).toContain('sijill_time_stamp_failing 1');
    await proofOf(server, officer, await send(server, 2));
    expect((await stamped(server)).status).toBe(404);
    const told = server.log().match(/the time stamp authority does not stamp/g);
    expect(told).toHaveLength(1);
    expect(server.log()).not.toContain('hush');
    const begun = Date.now();
    await server.kill();
    expect(Date.now() - begun).toBeLessThan(8_000);
  });

  it('are had where an authority is named', async () => {
    const server = await start();
    await proofOf(server, await server.key('officer'), await send(server, 1));
    expect((await request<Ready>(`${server.url}/health/ready`)).body.checks.timeStamps).toBeUndefined();
    for (const url of ['ftp://tsa.example', 'tsa.example', 'https://me:hush@tsa.example/', 'http://[']) {
      const env = { SIJILL_DATA_DIR: folder, SIJILL_TIME_STAMP_URL: url };
      const { code, stderr } = await sijill(['serve'], env);
      expect(code).toBe(2);
      expect(stderr).toContain('SIJILL_TIME_STAMP_URL takes an address with http:// or https://');
      expect(stderr).not.toContain('hush');
    }
    const shown = JSON.stringify(
      await sijillJson(['doctor', '--print-config'], {
        SIJILL_DATA_DIR: server.dataDir,
        SIJILL_TIME_STAMP_URL: 'https://tsa.example/tsr?token=hush',
      }),
    );
    expect(shown).toContain('https://tsa.example/tsr?token=****');
    expect(shown).not.toContain('hush');
  });
});

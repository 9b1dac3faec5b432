import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cosignaturesOf, openCheckpoint, parseNote, parseVerifierKey } from '@sijill/transparency';
import { freePorts } from '../support/free-port.js';
import { sendDisclosures } from '../support/send-disclosures.js';
import {
  eventually,
  freshDataDir,
  logKeyOf,
  request,
  sijill,
  startServer,
  type TestServer,
} from '../support/sijill.js';

interface Party {
  readonly dataDir: string;
  readonly url: string;
  readonly port: number;
  readonly logKey: string;
  readonly witnessKey: string;
}

interface Ready {
  readonly checks: {
    readonly witnesses?: { status: string; detail: string | null; each: { name: string; failure: string | null }[] };
  };
}

describe('two ledgers that witness each other', () => {
  let parties: [Party, Party];
  const servers: TestServer[] = [];
  const folder = freshDataDir('witnesses');
  const save = (name: string, content: string): string => {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  const start = async (own: Party, other: Party, more: Record<string, string> = {}): Promise<TestServer> => {
    const server = await startServer({
      SIJILL_DATA_DIR: own.dataDir,
      SIJILL_HTTP_PORT: String(own.port),
      SIJILL_ROLES: 'api,intake,projector,notary,witness',
      SIJILL_WITNESSED_LOGS: other.logKey,
      SIJILL_WITNESSES: `${other.witnessKey} ${other.url}/witness`,
      ...more,
    });
    servers.push(server);
    return server;
  };
  /** The keys that a ledger has before anybody knows of it. */
  const introduce = async (name: string): Promise<Party> => {
    const dataDir = freshDataDir(`witnesses-${name}`);
    const [port] = (await freePorts(1)) as [number];
    // Whom it witnesses is not known yet, and cannot be nobody.
    const anybody = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW';
    const server = await startServer({
      SIJILL_DATA_DIR: dataDir,
      SIJILL_HTTP_PORT: String(port),
      SIJILL_ROLES: 'api,intake,projector,notary,witness',
      SIJILL_WITNESSED_LOGS: anybody,
    });
    const logKey = (await logKeyOf(server)).trim();
    const witnessKey = (await request<string>(`${server.url}/witness/vkey`)).body.trim();
    const { url } = server;
    await server.kill();
    return { dataDir, url, port, logKey, witnessKey };
  };
  const send = async (server: TestServer, count: number): Promise<string> =>
    sendDisclosures(server, await server.key('producer'), '+966500000071', count);
  const checkpointOf = async (server: TestServer): Promise<string> =>
    (await request<string>(`${server.url}/log/checkpoint`)).body;
  const cosigners = (note: string, { witnessKey }: Party): number =>
    note.includes('\n\n') ? cosignaturesOf(parseNote(note), [parseVerifierKey(witnessKey)]).length : 0;
  const sizeOf = (note: string, { logKey }: Party): bigint =>
    openCheckpoint(note, { log: [parseVerifierKey(logKey)] }).size;

  beforeAll(async () => {
    parties = [await introduce('a'), await introduce('b')];
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.kill();
  });

  it('give proofs that hold with the other’s cosignature, for whoever asks for it', async () => {
    const [a, b] = parties;
    const [one, two] = [await start(a, b), await start(b, a)];
    for (const [server, own, other] of [
      [one, a, b],
      [two, b, a],
    ] as const) {
      const entryId = await send(server, 300);
      const officer = await server.key('officer');
      const { body: proof } = await eventually(
        () => request<string>(`${server.url}/v1/entries/${entryId}/proof`, { key: officer }),
        ({ status, body }) => status === 200 && cosigners(body.slice(body.indexOf('\n\n') + 2), other) === 1,
      );
      const { body: leaf } = await request<object>(`${server.url}/v1/entries/${entryId}/leaf`, { key: officer });
      const files = [save('leaf', JSON.stringify(leaf)), save('proof', proof)];
      const args = ['verify', 'entry', ...files, '--key', own.logKey, '--json', '--witness'];
      const verified = await sijill([...args, other.witnessKey], {});
      expect(JSON.parse(verified.stdout)).toMatchObject({
        holds: true,
        cosignatures: [{ name: parseVerifierKey(other.witnessKey).name }],
      });
      // Its own key as a witness is not whom the log was cosigned by.
      expect((await sijill([...args, own.witnessKey], {})).code).toBe(1);
      const ready = await request<Ready>(`${server.url}/health/ready`);
      expect(ready.body.checks.witnesses).toMatchObject({ status: 'up', detail: null, each: [{ failure: null }] });
    }
    const metrics = (await request<string>(`${one.url}/metrics`)).body;
    expect(metrics).toMatch(/sijill_witness_quorum 1/);
    expect(metrics).toMatch(/sijill_witness_cosigned_size\{witness="sijill-witness\/\S+"\} 30\d/);
  });

  it('publish nothing without the other when their policy is closed, and go on when it is back', async () => {
    const [a, b] = parties;
    let other = await start(b, a);
    const closed = await start(a, b, { SIJILL_WITNESS_POLICY: 'closed' });
    await send(closed, 5);
    const before = await eventually(
      () => checkpointOf(closed),
      (note) => cosigners(note, b) === 1 && sizeOf(note, a) >= 305n,
    );
    await other.kill();
    const entryId = await send(closed, 5);
    const officer = await closed.key('officer');
    // While the other stops it answers 503; after that it is not there.
    const reason = /^1 of 1 have to cosign; sijill-witness\/\S+ cannot be reached, since 20/;
    const down = await eventually(
      () => request<Ready>(`${closed.url}/health/ready`),
      ({ body: { checks } }) => checks.witnesses?.status === 'down' && reason.test(checks.witnesses.detail ?? ''),
    );
    expect(down.status).toBe(200);
    expect(down.body.checks.witnesses!.detail).toMatch(reason);
    expect((await request<string>(`${closed.url}/metrics`)).body).toMatch(/sijill_witness_quorum 0/);
    const waiting = await request(`${closed.url}/v1/entries/${entryId}/proof`, { key: officer });
    expect([waiting.status, waiting.headers.get('retry-after')]).toEqual([404, '1']);
    const kept = await checkpointOf(closed);
    expect(cosigners(kept, b)).toBe(1);
    expect(sizeOf(kept, a)).toBeLessThan(sizeOf(before, a) + 5n);

    other = await start(b, a);
    await eventually(
      () => request<string>(`${closed.url}/v1/entries/${entryId}/proof`, { key: officer }),
      ({ status, body }) => status === 200 && cosigners(body.slice(body.indexOf('\n\n') + 2), b) === 1,
    );
  }, 240_000);

  it('go on without the other when their policy is open', async () => {
    const [a, b] = parties;
    const open = await start(a, b);
    const entryId = await send(open, 5);
    const officer = await open.key('officer');
    const { body } = await eventually(
      () => request<string>(`${open.url}/v1/entries/${entryId}/proof`, { key: officer }),
      ({ status }) => status === 200,
    );
    expect(cosigners(body.slice(body.indexOf('\n\n') + 2), b)).toBe(0);
  });

  it('do not cosign a history that was taken back, nor one that went on differently', async () => {
    const [a, b] = parties;
    const older = freshDataDir('witnesses-older');
    rmSync(older, { recursive: true });
    cpSync(a.dataDir, older, { recursive: true });
    const [one, two] = [await start(a, b), await start(b, a)];
    await send(one, 40);
    await eventually(
      () => checkpointOf(one),
      (note) => cosigners(note, b) === 1,
    );
    await one.kill();

    const forked = await start({ ...a, dataDir: older }, b);
    await send(forked, 3);
    const taken = await eventually(
      () => request<Ready>(`${forked.url}/health/ready`),
      ({ body }) => body.checks.witnesses?.detail?.includes('it was taken back') === true,
    );
    expect(taken.body.checks.witnesses!.status).toBe('down');
    await send(forked, 100);
    await eventually(
      () => request<Ready>(`${forked.url}/health/ready`),
      ({ body }) => body.checks.witnesses?.detail?.includes('there are two histories of this log') === true,
      60_000,
    );
    expect(cosigners(await checkpointOf(forked), b)).toBe(0);
    expect(two.url).toBe(b.url);
  }, 240_000);

  it('answer as the protocol says', async () => {
    const [a, b] = parties;
    const [one] = [await start(a, b), await start(b, a)];
    await send(one, 2);
    const note = await eventually(
      () => checkpointOf(one),
      (text) => cosigners(text, b) === 1,
    );
    const ask = async (body: string): Promise<[number, string | null, string]> => {
      const response = await fetch(`${b.url}/witness/add-checkpoint`, { method: 'POST', body });
      return [response.status, response.headers.get('content-type'), await response.text()];
    };
    const size = sizeOf(note, a);
    expect(await ask(`old 0\n\n${note}`)).toEqual([409, 'text/x.tlog.size', `${size}\n`]);
    const [status, type, line] = await ask(`old ${size}\n\n${note}`);
    expect([status, type]).toEqual([200, 'text/plain; charset=utf-8']);
    expect(cosigners(`${note}${line}`, b)).toBe(1);
    expect((await ask(`old ${size}\n${'A'.repeat(43)}=\n\n${note}`))[0]).toBe(422);
    expect((await ask(`old ${size + 1n}\n\n${note}`))[0]).toBe(400);
    expect((await ask('old\n\n'))[0]).toBe(400);
    expect((await ask(`old 0\n\n${note.replace(a.logKey.split('+')[0]!, 'other.example')}`))[0]).toBe(404);
    expect((await ask(`old 0\n\n${note.replace(`\n${size}\n`, `\n${size + 1n}\n`)}`))[0]).toBe(403);
    expect((await ask(`old ${size}\n\n${note}${'x'.repeat(70_000)}`))[0]).toBe(413);
  });

  it('say what is wrong with their configuration', async () => {
    const [, b] = parties;
    const faults = async (env: Record<string, string>): Promise<string> => {
      const { code, stderr } = await sijill(['serve'], { SIJILL_DATA_DIR: freshDataDir('witness-config'), ...env });
      expect(code).toBe(2);
      return stderr;
    };
    expect(await faults({ SIJILL_ROLES: 'witness' })).toContain('SIJILL_WITNESSED_LOGS');
    expect(await faults({ SIJILL_ROLES: 'witness', SIJILL_WITNESSED_LOGS: b.witnessKey })).toContain('a log');
    expect(await faults({ SIJILL_WITNESSES: b.witnessKey })).toContain('an address with http');
    expect(await faults({ SIJILL_WITNESSES: `${b.logKey} ${b.url}` })).toContain("a witness's");
    expect(await faults({ SIJILL_WITNESSES: `${b.witnessKey} ${b.url}`, SIJILL_WITNESS_QUORUM: '2' })).toContain(
      'SIJILL_WITNESS_QUORUM',
    );
    expect(await faults({ SIJILL_WITNESS_POLICY: 'closed' })).toContain('no quorum can be had');
  });
});

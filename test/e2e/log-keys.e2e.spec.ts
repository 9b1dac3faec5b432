import { cpSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openCheckpoint, parseNote, parseVerifierKey, signersOf, type VerifierKey } from '@sijill/transparency';
import { proofOf, sendDisclosures } from '../support/send-disclosures.js';
import {
  eventually,
  freshDataDir,
  request,
  sijill,
  sijillJson,
  startServer,
  type CommandResult,
  type TestServer,
} from '../support/sijill.js';

interface Key {
  readonly generation: number;
  readonly key: string;
  readonly introducedAt: string;
  readonly retiredAt: string | null;
  readonly signs: boolean;
}

describe('the keys of a log', () => {
  let server: TestServer;
  let caller: string;
  const servers: TestServer[] = [];
  const folder = freshDataDir('log-keys');
  const file = (name: string): string => join(folder, name);
  const save = (name: string, content: string): string => {
    writeFileSync(file(name), content);
    return file(name);
  };
  const start = async (env: Record<string, string> = {}): Promise<TestServer> => {
    const started = await startServer(env);
    servers.push(started);
    return started;
  };
  const keyFile = (generation: number): string => join(server.dataDir, 'vault', `log-key-${generation}.json`);
  const logKey = (...args: string[]): Promise<CommandResult> => sijill(['log-key', ...args], server.env);
  const keys = async (): Promise<Key[]> => (await sijillJson<{ keys: Key[] }>(['log-key', 'list'], server.env)).keys;
  const verify = async (...args: string[]): Promise<{ code: number; answer: Record<string, unknown> }> => {
    const { code, stdout, stderr } = await sijill(['verify', ...args, '--json'], server.env);
    return { code, answer: JSON.parse(stdout === '' ? JSON.stringify({ stderr }) : stdout) as Record<string, unknown> };
  };
  const monitor = (...args: string[]): Promise<CommandResult> =>
    sijill(['monitor', `${server.url}/log`, '--once', '--json', '--state', file('seen.json'), ...args], {});
  const checkpointOf = async ({ url }: TestServer): Promise<string> =>
    (await request<string>(`${url}/log/checkpoint`)).body;
  const vkeysOf = async ({ url }: TestServer): Promise<VerifierKey[]> =>
    (await request<string>(`${url}/log/vkey`)).body.trim().split('\n').map(parseVerifierKey);
  /** Entries, and the last one's leaf and proof under a checkpoint that covers all of them. */
  const send = async (to: TestServer, count: number, key = caller): Promise<{ leaf: string; proof: string }> => {
    const entryId = await sendDisclosures(to, key, '+966500000051', count);
    const proof = await proofOf(to, key, entryId);
    const leaf = await request<object>(`${to.url}/v1/entries/${entryId}/leaf`, { key });
    return { leaf: JSON.stringify(leaf.body), proof };
  };
  const signedWith = (wanted: readonly string[]): Promise<string> =>
    eventually(
      () => checkpointOf(server),
      (note) => {
        const { signatures } = parseNote(note);
        const signers = signersOf(parseNote(note), wanted.map(parseVerifierKey));
        return signatures.length === wanted.length && signers.length === wanted.length;
      },
    );

  let [first, second]: [string, string] = ['', ''];
  beforeAll(async () => {
    server = await start();
    caller = await server.key('producer', 'officer');
    const { leaf, proof } = await send(server, 300);
    save('leaf-before', leaf);
    save('proof-before', proof);
    first = save('first.vkey', (await request<string>(`${server.url}/log/vkey`)).body);
    save('checkpoint-before', await checkpointOf(server));
    expect((await monitor('--key', first)).code).toBe(0);
  });
  afterAll(async () => {
    for (const one of servers) await one.kill();
  });

  it('are changed by announcements in it: a key that is introduced signs beside the one from before', async () => {
    const [only] = await keys();
    expect(only).toMatchObject({ generation: 1, introducedAt: expect.any(String), retiredAt: null, signs: true });
    expect(statSync(keyFile(1)).mode & 0o777).toBe(0o600);
    expect(`${only!.key}\n`).toBe(readFileSync(first, 'utf8'));
    const last = await logKey('retire', '1');
    expect([last.code, last.stderr]).toEqual([2, expect.stringContaining('the only key')]);

    const introduced = JSON.parse((await logKey('introduce', '--json')).stdout) as Key;
    expect(introduced).toMatchObject({ generation: 2, introducedAt: expect.any(String), retiredAt: null });
    expect(statSync(keyFile(2)).mode & 0o777).toBe(0o600);
    second = save('second.vkey', introduced.key);
    await signedWith([only!.key, introduced.key]);
    expect(await vkeysOf(server)).toHaveLength(2);
    for (const key of [first, second])
      expect(await verify('log', `${server.url}/log`, '--key', key)).toMatchObject({
        code: 0,
        answer: { holds: true },
      });

    const again = await logKey('introduce');
    expect([again.code, again.stderr]).toEqual([2, expect.stringContaining('retire one first')]);
    for (const [given, said] of [
      ['3', 'does not sign with a key of generation 3'],
      ['0', 'the generation of a key'],
    ] as const) {
      const { code, stderr } = await logKey('retire', given);
      expect([code, stderr]).toEqual([2, expect.stringContaining(said)]);
    }
    expect((await monitor('--key', first)).code).toBe(0);
  });

  it('lead from one that is trusted to the next, and one that is retired signs no more', async () => {
    const during = await send(server, 20);
    const files = [save('leaf-during', during.leaf), save('proof-during', during.proof)];
    const retired = JSON.parse((await logKey('retire', '1', '--json')).stdout) as Key;
    expect(retired).toMatchObject({ generation: 1, retiredAt: expect.any(String) });
    const [old, now] = [readFileSync(first, 'utf8').trim(), readFileSync(second, 'utf8')];
    await signedWith([now]);
    expect((await vkeysOf(server)).map(({ id }) => id)).toEqual([parseVerifierKey(now).id]);
    expect((await keys()).map(({ signs }) => signs)).toEqual([false, true]);

    expect(await verify('log', `${server.url}/log`, '--key', first)).toMatchObject({
      code: 1,
      answer: { reason: expect.stringContaining('"sijill verify keys" leads from yours to the one that signs') },
    });
    expect(await verify('keys', `${server.url}/log`, '--key', first)).toMatchObject({
      code: 0,
      answer: {
        holds: true,
        keys: [now],
        announcements: [
          { what: 'introduced', generation: 2, key: now },
          { what: 'retired', generation: 1, key: old },
        ],
      },
    });
    expect(await verify('keys', `${server.url}/log`, '--key', second)).toMatchObject({
      answer: { holds: true, keys: [now], announcements: [{ what: 'retired' }] },
    });
    const since = ['--since', file('checkpoint-before')];
    expect((await verify('log', `${server.url}/log`, '--key', first, '--key', second, ...since)).code).toBe(0);
    // What was proven before is proven still, with the key that signed it.
    expect((await verify('entry', file('leaf-before'), file('proof-before'), '--key', first)).code).toBe(0);
    for (const key of [first, second]) expect((await verify('entry', ...files, '--key', key)).code).toBe(0);
    const after = await send(server, 5);
    const newer = [save('leaf-after', after.leaf), save('proof-after', after.proof)];
    expect((await verify('entry', ...newer, '--key', second)).code).toBe(0);
    expect((await verify('entry', ...newer, '--key', first)).code).toBe(1);
  });

  it('are followed by a monitor, which does not believe a retired one again', async () => {
    const followed = await monitor('--key', first);
    expect([followed.code, followed.stdout]).toEqual([0, expect.stringContaining('newKeys')]);
    expect((await monitor('--key', first)).stdout).not.toContain('newKeys');

    // Whoever has the old key goes on from where it was retired.
    const copy = file('older');
    mkdirSync(join(copy, 'vault'), { recursive: true });
    for (const name of ['keyring.json', 'log-key-1.json'])
      cpSync(join(server.dataDir, 'vault', name), join(copy, 'vault', name));
    const fork = await start({ SIJILL_DATA_DIR: copy });
    await send(fork, 600, await fork.key('producer', 'officer'));
    const lying = ['monitor', `${fork.url}/log`, '--once', '--json', '--state', file('seen.json'), '--key', first];
    const { code, stdout } = await sijill(lying, {});
    expect([code, stdout]).toEqual([1, expect.stringContaining('unsigned')]);
    await fork.kill();
    expect((await monitor('--key', first)).code).toBe(0);
  });

  it('hold for the whole store from the first on', async () => {
    for (const given of [[first], [first, second]])
      expect(await verify('store', ...given.flatMap((key) => ['--key', key]))).toMatchObject({
        code: 0,
        answer: { holds: true, findings: [] },
      });
    expect((await verify('store', '--key', first, '--checkpoint', file('checkpoint-before'))).code).toBe(0);
    expect(await verify('store', '--key', second)).toMatchObject({
      code: 1,
      answer: { findings: expect.arrayContaining([expect.objectContaining({ what: 'key' })]) },
    });
  });

  it('are the same after a restart, and nothing is signed in another name', async () => {
    const now = readFileSync(second, 'utf8');
    await server.kill();
    server = await start({ SIJILL_DATA_DIR: server.dataDir });
    await send(server, 5);
    const note = await signedWith([now]);
    expect(openCheckpoint(note, { log: [parseVerifierKey(now)] }).size).toBeGreaterThan(330n);
    await server.kill();

    await expect(start({ SIJILL_DATA_DIR: server.dataDir, SIJILL_LOG_ORIGIN: 'another.example' })).rejects.toThrow(
      /was founded with the log .*, and here it is another\.example; set SIJILL_LOG_ORIGIN/,
    );
    server = await start({ SIJILL_DATA_DIR: server.dataDir });
    const kept = openCheckpoint(await checkpointOf(server), { log: [parseVerifierKey(now)] });
    expect(kept.origin).toBe(parseVerifierKey(now).name);
  });
});

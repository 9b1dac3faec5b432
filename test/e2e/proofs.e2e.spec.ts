import { formatCheckpoint, openCheckpoint, parseVerifierKey, tilesOfCopy } from '@sijill/transparency';
import Database from 'better-sqlite3';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { BATCH, disclosed } from '../support/events.js';
import { logSignature, SmallLog } from '../support/small-log.js';
import {
  eventually,
  freshDataDir,
  logKeyOf,
  request,
  sijill,
  startServer,
  type TestServer,
} from '../support/sijill.js';

interface Answer {
  readonly accepted: { entries: { entryId: string; subjectId: string }[] }[];
}

const PHONE = '+966500000091';

describe('proofs', () => {
  let server: TestServer;
  let officer: string;
  let producer: string;
  let folder: string;
  let sent = 0;
  const file = (name: string): string => join(folder, name);
  const save = (name: string, content: string | Uint8Array): string => {
    mkdirSync(dirname(file(name)), { recursive: true });
    writeFileSync(file(name), content);
    return file(name);
  };
  const send = async (to: TestServer, key: string, count: number): Promise<Answer> => {
    const events = Array.from({ length: count }, () => disclosed(PHONE, { id: `event-${sent++}` }));
    const answer = await request<Answer>(`${to.url}/v1/events`, { key, body: events, type: BATCH });
    expect(answer.status).toBe(201);
    return answer.body;
  };
  const verify = async (...args: string[]): Promise<{ code: number | null; answer: Record<string, unknown> }> => {
    const { code, stdout } = await sijill(['verify', ...args, '--json'], server.env);
    return { code, answer: stdout === '' ? {} : (JSON.parse(stdout) as Record<string, unknown>) };
  };
  const proofOf = async (entryId: string): Promise<string> => {
    const { body } = await eventually(
      () => request<string>(`${server.url}/v1/entries/${entryId}/proof`, { key: officer }),
      ({ status, headers }) => {
        if (status === 404) expect(headers.get('retry-after')).toBe('1');
        return status === 200;
      },
    );
    return body;
  };
  const leafOf = async (entryId: string): Promise<Uint8Array> => {
    const response = await fetch(`${server.url}/v1/entries/${entryId}/leaf`, {
      headers: { authorization: `Bearer ${officer}` },
    });
    return new Uint8Array(await response.arrayBuffer());
  };
  /** Copies the public log, as anybody may. */
  const copyLog = async (name: string): Promise<string> => {
    const note = (await request<string>(`${server.url}/log/checkpoint`)).body;
    save(`${name}/checkpoint`, note);
    const { size } = openCheckpoint(note, { log: [parseVerifierKey(readFileSync(file('vkey'), 'utf8').trim())] });
    for (const { path } of tilesOfCopy(size)) {
      const response = await fetch(`${server.url}/log/${path}`);
      save(`${name}/${path}`, new Uint8Array(await response.arrayBuffer()));
    }
    return file(name);
  };

  beforeAll(async () => {
    server = await startServer();
    officer = await server.key('officer');
    producer = await server.key('producer');
    folder = freshDataDir('proofs');
    save('vkey', await logKeyOf(server));
  });
  afterAll(() => server.kill());

  it('are what every accepted event can be redeemed for, and hold without the server and after an erasure', async () => {
    const { accepted } = await send(server, producer, 300);
    const { entryId, subjectId } = accepted[217]!.entries[0]!;
    const proof = save('proof', await proofOf(entryId));
    const leaf = save('leaf', await leafOf(entryId));
    expect(JSON.parse(readFileSync(leaf, 'utf8'))).toMatchObject({ id: entryId, data: { subjectId } });
    expect(await verify('entry', leaf, proof, '--key', file('vkey'))).toMatchObject({
      code: 0,
      answer: { holds: true, index: expect.stringMatching(/^\d{3}$/), origin: expect.stringMatching(/^sijill\//) },
    });

    const vault = new Database(join(server.dataDir, 'vault', 'vault.sqlite'));
    expect(vault.prepare('delete from vault_key where holder = ?').run(`subject/${subjectId}`).changes).toBe(1);
    vault.close();
    expect(await verify('entry', leaf, proof, '--key', file('vkey'))).toMatchObject({ code: 0 });
    const anew = save('proof-after', await proofOf(entryId));
    expect(await verify('entry', save('leaf-after', await leafOf(entryId)), anew, '--key', file('vkey'))).toMatchObject(
      {
        code: 0,
      },
    );
    expect(readFileSync(file('leaf-after')).equals(readFileSync(leaf))).toBe(true);

    const changed = save('changed', readFileSync(leaf, 'utf8').replace('provide_services', 'marketing'));
    expect(await verify('entry', changed, proof, '--key', file('vkey'))).toMatchObject({
      code: 1,
      answer: { holds: false },
    });
    const other = 'other.example+00000000+AAAA';
    expect((await verify('entry', leaf, proof, '--key', other)).code).toBe(2);
    expect((await verify('entry', leaf, proof)).code).toBe(2);
    expect((await verify('entry', leaf, file('nowhere'), '--key', file('vkey'))).code).toBe(3);
    expect((await verify('entry', leaf, proof, '--key', file('vkey'), '--quorum', '1')).code).toBe(2);
  });

  it('are not had for another role, and an unknown entry has none', async () => {
    const { accepted } = await send(server, producer, 1);
    const { entryId } = accepted[0]!.entries[0]!;
    for (const what of ['leaf', 'proof']) {
      expect((await request(`${server.url}/v1/entries/${entryId}/${what}`, { key: producer })).status).toBe(403);
      expect((await request(`${server.url}/v1/entries/${entryId}/${what}`)).status).toBe(401);
      const unknown = entryId.replace(/.{4}$/, '0000');
      const answer = await request(`${server.url}/v1/entries/${unknown}/${what}`, { key: officer });
      expect([answer.status, answer.headers.get('retry-after')]).toEqual([404, null]);
    }
  });

  it('of the whole log hold from its address and from a copy, and not when a tile was changed', async () => {
    await proofOf((await send(server, producer, 400)).accepted[399]!.entries[0]!.entryId);
    const copy = await copyLog('copy');
    for (const place of [`${server.url}/log`, copy])
      expect(await verify('log', place, '--key', file('vkey'))).toMatchObject({ code: 0, answer: { holds: true } });
    await proofOf((await send(server, producer, 10)).accepted[9]!.entries[0]!.entryId);
    expect(
      await verify('log', `${server.url}/log`, '--key', file('vkey'), '--since', join(copy, 'checkpoint')),
    ).toMatchObject({ code: 0, answer: { since: expect.any(String) } });

    for (const tile of ['tile/0/001', 'tile/1/000.p/2']) {
      const bytes = readFileSync(join(copy, tile));
      bytes[33]! ^= 4;
      writeFileSync(join(copy, tile), bytes);
      expect(await verify('log', copy, '--key', file('vkey'))).toMatchObject({
        code: 1,
        answer: { holds: false, reason: expect.any(String) },
      });
      bytes[33]! ^= 4;
      writeFileSync(join(copy, tile), bytes);
    }
    expect((await verify('log', copy, '--key', file('vkey'))).code).toBe(0);
  });

  it('of the whole store name the entry that was changed, on all cores and beside the server', async () => {
    const clean = await verify('store', '--key', file('vkey'));
    expect(clean).toMatchObject({ code: 0, answer: { holds: true, findings: [] } });
    expect(clean.answer['leaves']).toBeGreaterThan(700);
    expect(
      await verify('store', '--key', file('vkey'), '--checkpoint', join(file('copy'), 'checkpoint')),
    ).toMatchObject({
      code: 0,
    });
    const ledger = new Database(join(server.dataDir, 'ledger.sqlite'));
    ledger.exec('drop trigger entry_is_kept');
    const id = ledger.prepare('select id from entry where position = 124').pluck().get() as string;
    const data = ledger.prepare('select data from entry where position = 124').pluck().get() as string;
    const rewrite = (text: string): unknown =>
      ledger.prepare('update entry set data = ? where position = 124').run(text);
    rewrite(data.replace('provide_services', 'marketing'));
    const { code, answer } = await verify('store', '--key', file('vkey'));
    // A file that lies beside what is checked does not say that it was.
    writeFileSync(join(server.dataDir, 'verify-store.json'), '{"tile":1000}');
    const resumed = await verify('store', '--key', file('vkey'), '--resume');
    rewrite(data);
    expect(resumed).toMatchObject({ code: 1, answer: { holds: false, from: 0 } });
    expect([code, answer['holds']]).toEqual([1, false]);
    expect((answer['findings'] as { index: number; detail: string }[])[0]).toMatchObject({
      what: 'entry',
      index: 123,
      detail: expect.stringContaining(id),
    });

    ledger.close();
  });

  it('of the whole store cover what a run has compared that goes on from another, and say so', async () => {
    const { answer } = await verify('store', '--key', file('vkey'));
    const size = Number(answer['leaves']);
    // As a run leaves it that is killed; only somebody who can compute the root makes another.
    const checkpoint = readFileSync(join(file('copy'), 'checkpoint'), 'utf8').split('\n');
    const note = {
      ...{ tile: 1, size: Number(checkpoint[1]), root: Buffer.from(checkpoint[2]!, 'base64').toString('hex') },
      keys: [readFileSync(file('vkey'), 'utf8').trim()],
    };
    const place = join(server.dataDir, 'verify-store.json');
    writeFileSync(place, JSON.stringify(note));
    const resumed = await sijill(['verify', 'store', '--key', file('vkey'), '--resume'], server.env);
    expect([resumed.code, existsSync(place)]).toEqual([0, false]);
    expect(resumed.stdout).toMatch(/^Holds: every entry of the store that is signed from leaf 256 on/);
    expect(resumed.stdout).toContain('Not covered: the leaves before 256, ');
    expect(resumed.stdout).toContain('entries from leaf 256 on are what was signed');
    expect(size).toBeGreaterThan(256);
    const anew = await sijill(['verify', 'store', '--key', file('vkey'), '--resume'], server.env);
    expect([anew.code, anew.stdout]).toEqual([0, expect.stringContaining('Begun at the first entry')]);
  });

  it('of the whole store tell a changed code over an entry, where the keyring is at hand', async () => {
    // In a copy: a server beside it would take the entry for somebody else's meanwhile.
    const copy = freshDataDir('proofs-copy');
    mkdirSync(join(copy, 'vault'));
    copyFileSync(join(server.dataDir, 'vault', 'keyring.json'), join(copy, 'vault', 'keyring.json'));
    for (const name of ['subject-map.sqlite', 'notary.sqlite', 'ledger.sqlite']) {
      const original = new Database(join(server.dataDir, name), { readonly: true });
      await original.backup(join(copy, name));
      original.close();
    }
    const env = { ...server.env, SIJILL_DATA_DIR: copy };
    const check = async (more: Record<string, string> = {}): Promise<{ code: number | null; stdout: string }> =>
      sijill(['verify', 'store', '--key', file('vkey')], { ...env, ...more });
    expect(await check()).toMatchObject({ code: 0, stdout: expect.stringMatching(/^Holds: .*the codes by which/) });
    const ledger = new Database(join(copy, 'ledger.sqlite'));
    ledger.exec('drop trigger if exists entry_is_kept');
    const head = ledger.prepare('select metadata from entry where position = 124').pluck().get() as string;
    const mac = /"mac":"(.)/.exec(head)![1]!;
    ledger
      .prepare('update entry set metadata = ? where position = 124')
      .run(head.replace(`"mac":"${mac}`, `"mac":"${mac === 'A' ? 'B' : 'A'}`));
    ledger.close();
    expect(await check()).toMatchObject({
      code: 1,
      stdout: expect.stringMatching(/^DOES NOT HOLD: .*to the ledger it is foreign/),
    });
    // The leaf is what it was: without the key nobody can tell.
    expect(await check({ SIJILL_KEYRING_FILE: file('nowhere') })).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('there is no keyring here'),
    });
  });

  it('of what somebody else has put into a lane say whose it is not', async () => {
    const { sign, vkey } = logSignature('log.example');
    const log = new SmallLog(sign);
    const at = log.foreign('ledger-http/0');
    log.entry('sijill.data.used.v1', 'ledger-http/0', {});
    const [leaf, proof] = [save('foreign', log.leaves[at]!), save('foreign.proof', log.proof(at))];
    const { code, stdout } = await sijill(['verify', 'entry', leaf, proof, '--key', vkey], {});
    expect(code).toBe(0);
    expect(stdout).toMatch(/^Holds: .*\nNot covered: .*the ledger has not written it\.\n.*FOREIGN/);
    expect(await verify('entry', leaf, proof, '--key', vkey)).toMatchObject({
      code: 0,
      answer: { holds: true, foreign: true, lane: 'ledger-http/0' },
    });
    const other = save('other', '{"a":1}');
    expect(await verify('entry', other, proof, '--key', vkey)).toMatchObject({ code: 1 });
  });

  describe('a monitor', () => {
    const look = async (place: string, ...args: string[]): Promise<{ code: number | null; stdout: string }> =>
      sijill(['monitor', place, '--once', '--json', '--key', file('vkey'), '--state', file('seen.json'), ...args], {});

    it('sees the log grow, and a roll-back, a stall and a fork, with the checkpoints that show it', async () => {
      const alarms: { kind: string; evidence: string[] }[] = [];
      const webhook = createServer((received, response) => {
        const parts: Buffer[] = [];
        received.on('data', (part: Buffer) => parts.push(part));
        received.on('end', () => {
          alarms.push(JSON.parse(Buffer.concat(parts).toString()) as (typeof alarms)[number]);
          response.end();
        });
      });
      await new Promise<void>((resolve) => webhook.listen(0, '127.0.0.1', resolve));
      const hook = `http://127.0.0.1:${(webhook.address() as AddressInfo).port}`;

      const copy = await copyLog('before');
      expect((await look(copy)).code).toBe(0);
      await proofOf((await send(server, producer, 300)).accepted[299]!.entries[0]!.entryId);
      expect((await look(`${server.url}/log`)).code).toBe(0);
      const rolled = await look(copy, '--webhook', hook);
      expect([rolled.code, rolled.stdout]).toEqual([1, expect.stringContaining('roll-back')]);
      // The map of subjects may still come into it.
      await eventually(
        () => look(`${server.url}/log`, '--stalled', '0.00001'),
        ({ code, stdout }) => code === 1 && stdout.includes('stalled'),
      );

      // Another history under the same key.
      const dataDir = freshDataDir('fork');
      mkdirSync(join(dataDir, 'vault'));
      for (const name of ['keyring.json', 'log-key-1.json'])
        copyFileSync(join(server.dataDir, 'vault', name), join(dataDir, 'vault', name));
      const fork = await startServer({ SIJILL_DATA_DIR: dataDir });
      const key = await fork.key('producer');
      for (let i = 0; i < 4; i++) await send(fork, key, 400);
      await eventually(
        () => request<string>(`${fork.url}/log/checkpoint`),
        ({ body }) => /\n16\d\d\n/.test(body),
      );
      const forked = await look(`${fork.url}/log`, '--webhook', hook);
      await fork.kill();
      expect([forked.code, forked.stdout]).toEqual([1, expect.stringContaining('fork')]);
      expect((await look('http://127.0.0.1:9/log')).code).toBe(3);
      // It goes on from what held.
      expect((await look(`${server.url}/log`)).code).toBe(0);
      expect(alarms.map(({ kind, evidence }) => [kind, evidence.length])).toEqual([
        ['roll-back', 2],
        ['fork', 2],
      ]);
      expect(readdirSync(folder).filter((name) => name.startsWith('seen.json.'))).toHaveLength(3);
      webhook.close();
    });
  });

  it('are of checkpoints that nobody but the log can make', async () => {
    const note = readFileSync(join(file('copy'), 'checkpoint'), 'utf8');
    const own = formatCheckpoint({ origin: note.split('\n')[0]!, size: 1n, root: new Uint8Array(32), extensions: [] });
    save('copy/checkpoint', own + note.slice(note.indexOf('\n\n')));
    expect(await verify('log', file('copy'), '--key', file('vkey'))).toMatchObject({
      code: 1,
      answer: { holds: false },
    });
  });
});

import { appendFileSync, copyFileSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH, disclosed } from '../support/events.js';
import { freshDataDir, request, sijill, sijillJson, startServer } from '../support/sijill.js';

interface Backup {
  readonly position: number;
  readonly files: { name: string }[];
}
interface History {
  readonly items: { eventId: string }[];
}

const phoneOf = (i: number): string => `+96650000${String(3000 + (i % 40))}`;

describe('a backup', () => {
  it('is made while events come in, holds all that was acknowledged before, and opens after it is put back', async () => {
    const server = await startServer();
    const producer = await server.key('producer');
    const officer = await server.key('officer');
    let sent = 0;
    const send = async (): Promise<void> => {
      const events = Array.from({ length: 100 }, () => disclosed(phoneOf(sent), { id: `event-${sent++}` }));
      expect((await request(`${server.url}/v1/events`, { key: producer, body: events, type: BATCH })).status).toBe(201);
    };
    for (let i = 0; i < 20; i++) await send();
    // A report of one person, so that there is a sealed file to copy.
    const ordered = await request<{ id: string }>(`${server.url}/v1/reports`, {
      key: officer,
      body: {
        report: 'accounting',
        parameters: { identifier: { scheme: 'phone', value: phoneOf(0) }, reason: 'test' },
        formats: ['json'],
      },
    });
    const report = `${server.url}/v1/reports/${ordered.body.id}`;
    for (let done = false; !done;)
      done = (await request<{ status: string }>(report, { key: officer })).body.status === 'done';

    const before = sent;
    let busy = true;
    const traffic = (async () => {
      while (busy) await send();
    })();
    const folder = join(freshDataDir('backup'), 'copy');
    const made = await sijillJson<Backup>(['backup', folder], server.env);
    busy = false;
    await traffic;
    expect(made.files.map(({ name }) => name)).toEqual(
      expect.arrayContaining([
        'ledger.sqlite',
        'notary.sqlite',
        'vault/vault.sqlite',
        'access.sqlite',
        `reports/${ordered.body.id}/accounting.json.jwe`,
      ]),
    );
    expect(readdirSync(folder).filter((name) => /^read-models|-wal$|-shm$/.test(name))).toEqual([]);
    expect(readdirSync(join(folder, 'vault'))).toEqual(['vault.sqlite']);
    await server.kill();

    const env = { SIJILL_DATA_DIR: freshDataDir('restored') };
    mkdirSync(join(env.SIJILL_DATA_DIR, 'vault'));
    copyFileSync(join(server.dataDir, 'vault', 'keyring.json'), join(env.SIJILL_DATA_DIR, 'vault', 'keyring.json'));
    expect(await sijillJson(['restore', folder], env)).toMatchObject({ position: made.position });
    expect(await sijillJson(['rebuild'], env)).toMatchObject({ unchanged: true });

    // What signs is put back where the notary runs, which says so.
    await expect(startServer(env)).rejects.toThrow(/ended with 2[\s\S]*log-key-1\.json[\s\S]*backup/);
    copyFileSync(join(server.dataDir, 'vault', 'log-key-1.json'), join(env.SIJILL_DATA_DIR, 'vault', 'log-key-1.json'));

    // Keys and the sealed report are there, and the restored ledger takes events. What was signed is in it.
    const again = await startServer(env);
    const vkey = join(freshDataDir('vkey'), 'vkey');
    writeFileSync(vkey, (await request<string>(`${again.url}/log/vkey`)).body);
    expect(await sijillJson(['verify', 'store', '--key', vkey], env)).toMatchObject({ holds: true });
    const health = await request<{ checks: { notary: unknown } }>(`${again.url}/health/ready`);
    expect(health.body.checks.notary).toEqual({ status: 'up', detail: null });
    const seen = new Set<string>();
    for (let person = 0; person < 40; person++) {
      const { body } = await request<{ subjectId: string }>(`${again.url}/v1/subjects/lookup`, {
        key: officer,
        body: { identifier: { scheme: 'phone', value: phoneOf(person) }, reason: 'test' },
      });
      const url = `${again.url}/v1/subjects/${body.subjectId}/disclosures?limit=500`;
      const history = await request<History>(url, { key: officer, reason: 'test' });
      for (const { eventId } of history.body.items) seen.add(eventId);
    }
    expect(seen.size).toBeGreaterThanOrEqual(before);
    expect(seen.size).toBeLessThanOrEqual(sent);
    const file = await fetch(`${again.url}/v1/reports/${ordered.body.id}/files/accounting.json`, {
      headers: { authorization: `Bearer ${officer}` },
    });
    expect(file.status).toBe(200);
    expect(
      (await request(`${again.url}/v1/events`, { key: producer, body: [disclosed(phoneOf(1))], type: BATCH })).status,
    ).toBe(201);
    await again.kill();
  });

  it('that is not whole or was changed is refused, and so is one over a ledger', async () => {
    const server = await startServer();
    const producer = await server.key('producer');
    await request(`${server.url}/v1/events`, { key: producer, body: [disclosed(phoneOf(1))], type: BATCH });
    const folder = join(freshDataDir('backup'), 'copy');
    await sijillJson(['backup', folder], server.env);
    expect(await sijill(['backup', folder], server.env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('not empty'),
    });
    expect(await sijill(['restore', folder], server.env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('holds a ledger already'),
    });
    const without = { SIJILL_DATA_DIR: freshDataDir('restored') };
    expect(await sijill(['restore', folder], without)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('there is no keyring at'),
    });
    expect(readdirSync(without.SIJILL_DATA_DIR)).toEqual([]);
    const keyring = join(server.dataDir, 'vault', 'keyring.json');
    const fresh = (): Record<string, string> => ({
      SIJILL_DATA_DIR: freshDataDir('restored'),
      SIJILL_KEYRING_FILE: keyring,
    });
    appendFileSync(join(folder, 'vault', 'vault.sqlite'), 'x');
    const changed = fresh();
    expect(await sijill(['restore', folder], changed)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('was changed'),
    });
    expect(readdirSync(changed['SIJILL_DATA_DIR']!)).toEqual([]);
    rmSync(join(folder, 'vault', 'vault.sqlite'));
    expect(await sijill(['restore', folder], fresh())).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('is missing'),
    });
    rmSync(join(folder, 'manifest.json'));
    expect(await sijill(['restore', folder], fresh())).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('no whole backup'),
    });
    await server.kill();
  });
});

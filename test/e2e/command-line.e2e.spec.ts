import { createHash } from 'node:crypto';
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { collected, disclosed } from '../support/events.js';
import { freshDataDir, request, sijill, sijillJson, startServer } from '../support/sijill.js';

interface Imported {
  lines: number;
  accepted: number;
  duplicates: number;
  rejected: { line: number; errors: { path: string; code: string }[] }[];
}
interface History {
  subjectId: string | null;
  items: { entryId: string; recipient: { id: string } }[];
  asOf: { position: number };
}

describe('sijill on the command line, without a server', () => {
  const dataDir = freshDataDir('cli');
  const env = { SIJILL_DATA_DIR: dataDir };
  const file = join(dataDir, 'events.ndjson');
  const phone = '+966500000042';

  it('imports a file, lists refused lines, and adds nothing when it is read again', async () => {
    const twice = disclosed(phone);
    const lines = [
      JSON.stringify(collected(phone)),
      JSON.stringify(twice),
      '{"cut":',
      JSON.stringify(disclosed('12')),
      '',
      JSON.stringify(twice),
      JSON.stringify(disclosed(phone)),
    ];
    writeFileSync(file, lines.join('\n'));
    const first = await sijill(['import', file, '--json'], env);
    expect(first.code).toBe(1);
    const result = JSON.parse(first.stdout) as Imported;
    expect(result).toMatchObject({ lines: 7, accepted: 3, duplicates: 1 });
    expect(result.rejected.map(({ line, errors }) => [line, errors[0]!.code])).toEqual([
      [3, 'invalid_json'],
      [4, 'invalid_phone'],
    ]);
    const again = await sijillJson<Imported>(['import', file], env);
    expect(again).toMatchObject({ lines: 7, accepted: 0, duplicates: 4 });
    expect(again.rejected).toHaveLength(2);
  });

  it('does not take a line for stored that was refused when the file was first read', async () => {
    const soon = new Date(Date.now() + 320_000).toISOString();
    const early = join(dataDir, 'early.ndjson');
    writeFileSync(
      early,
      [disclosed('+966500000077', { time: soon }), disclosed('+966500000077')]
        .map((event) => JSON.stringify(event))
        .join('\n'),
    );
    const first = await sijillJson<Imported>(['import', early], env);
    expect(first.rejected.map(({ errors }) => errors[0]!.code)).toEqual(['time_in_future']);
    await new Promise((resolve) => setTimeout(resolve, Math.max(0, Date.parse(soon) - 300_000 - Date.now())));
    const again = await sijillJson<Imported>(['import', early], env);
    expect(again).toMatchObject({
      accepted: 0,
      duplicates: 1,
      rejected: [{ line: 1, errors: [{ code: 'refused_before' }] }],
    });
  });

  it('shows a history, records the look-up, and says no for nobody', async () => {
    const history = await sijillJson<History>(
      ['history', '--identifier', 'phone:0500000042', '--reason', 'access request 1'],
      env,
    );
    expect(history.items).toHaveLength(2);
    expect(history.subjectId).not.toBeNull();
    const table = await sijill(['history', '--identifier', `phone:${phone}`, '--reason', 'x'], env);
    expect(table.code).toBe(0);
    expect(table.stdout).toContain('Najd Mobile');
    expect(
      (await sijillJson<History>(['history', '--identifier', `phone:${phone}`, '--reason', 'x'], env)).asOf.position,
    ).toBeGreaterThan(history.asOf.position);
    const nobody = await sijill(['history', '--identifier', 'phone:+966500000043', '--reason', 'x', '--json'], env);
    expect(nobody.code).toBe(1);
    expect(JSON.parse(nobody.stdout)).toMatchObject({ subjectId: null, items: [] });
  });

  it.each([
    [['history', '--identifier', 'fax:1', '--reason', 'x'], 2],
    [['history', '--identifier', 'phone:+966500000042'], 2],
    [['history', '--identifier', 'phone:+966500000042', '--reason', ' '], 2],
    [['unheard-of'], 2],
    [['keys', 'create', '--role', 'king', '--name', 'x'], 2],
    [['rebuild', 'nothing'], 2],
    [['import', '/nowhere/at/all.ndjson'], 3],
    [['keys', 'revoke', 'k000000000000'], 1],
    [['--help'], 0],
    [['history', '--help'], 0],
    [['--version'], 0],
  ])('%j ends with %i', async (args, code) => {
    const result = await sijill(args as string[], env);
    expect(result.code).toBe(code);
    if (code === 2 || code === 3) expect(result.stderr).not.toMatch(/\n\s+at /);
  });

  it("says every command's use with examples", async () => {
    for (const command of [
      ['serve'],
      ['keys', 'create'],
      ['keys', 'list'],
      ['keys', 'revoke'],
      ['import'],
      ['history'],
      ['report', 'accounting'],
      ['rebuild'],
      ['doctor'],
      ['demo'],
    ]) {
      const { stdout } = await sijill([...command, '--help'], env);
      expect([command.join(' '), /Examples?:/.test(stdout)]).toEqual([command.join(' '), true]);
    }
  });

  it('writes reports in all formats', async () => {
    for (const format of ['pdf', 'csv', 'json']) {
      const out = join(dataDir, `accounting.${format}`);
      const { code, stderr } = await sijill(
        [
          'report',
          'accounting',
          '--identifier',
          `phone:${phone}`,
          '--reason',
          'access request 1',
          '--format',
          format,
          '--lang',
          'ar',
          '--out',
          out,
        ],
        env,
      );
      expect([stderr, code]).toEqual(['', 0]);
      expect(readFileSync(out).length).toBeGreaterThan(100);
      // It names a person: for nobody else on the machine.
      expect(statSync(out).mode & 0o077).toBe(0);
    }
    expect(JSON.parse(readFileSync(join(dataDir, 'accounting.json'), 'utf8'))).toMatchObject({
      report: 'accounting',
      totals: { entries: 2 },
    });
    const nobody = await sijill(
      [
        'report',
        'accounting',
        '--identifier',
        'phone:+966500000043',
        '--reason',
        'x',
        '--out',
        join(dataDir, 'none.pdf'),
      ],
      env,
    );
    expect(nobody.code).toBe(1);
  });

  it('writes several documents of one order, with one position and one proof', async () => {
    const folder = join(dataDir, 'request-19');
    const args = ['--identifier', `phone:${phone}`, '--reason', 'request 19', '--out', `${folder}/`];
    const { files, asOf } = await sijillJson<{ asOf: object; files: { name: string; path: string; sha256: string }[] }>(
      ['report', 'accounting', ...args, '--format', 'pdf', 'json', 'csv'],
      env,
    );
    expect(files.map(({ name }) => name).slice(0, 3)).toEqual([
      'accounting-en.pdf',
      'accounting.json',
      'accounting.csv',
    ]);
    for (const { name, path, sha256 } of files) {
      expect(path).toBe(join(folder, name));
      expect(createHash('sha256').update(readFileSync(path)).digest('hex')).toBe(sha256);
    }
    expect(JSON.parse(readFileSync(join(folder, 'accounting.json'), 'utf8'))).toMatchObject({ asOf });
  });

  it('makes no ledger where there is none: a wrong folder is not "nobody"', async () => {
    const nowhere = join(dataDir, 'nowhere');
    const elsewhere = { SIJILL_DATA_DIR: nowhere };
    const person = ['--identifier', `phone:${phone}`, '--reason', 'x'];
    for (const command of [
      ['history', ...person],
      ['report', 'accounting', ...person, '--out', join(dataDir, 'x.pdf')],
      ['rebuild'],
      ['confirmations', 'list'],
    ]) {
      const { code, stderr } = await sijill(command, elsewhere);
      expect([code, stderr]).toEqual([3, expect.stringContaining(`there is no ledger in ${nowhere}`)]);
    }
    expect(existsSync(nowhere)).toBe(false);
    const { stdout } = await sijill(['keys', 'create', '--role', 'officer', '--name', 'desk'], elsewhere);
    expect(stdout).toContain(`It is for the ledger in ${nowhere}, of which nothing is there yet.`);
  });

  it('rebuilds to identical content', async () => {
    for (const name of [[], ['disclosure-history'], ['entries'], ['quarantine']]) {
      expect(await sijillJson(['rebuild', ...name], env)).toMatchObject({ unchanged: true });
    }
  });

  it('finds nothing wrong, and shows where each value comes from', async () => {
    expect(await sijillJson(['doctor'], env)).toMatchObject({ ok: true });
    const { config } = await sijillJson<{ config: { name: string; value: string; origin: string }[] }>(
      ['doctor', '--print-config'],
      env,
    );
    expect(config.find(({ name }) => name === 'SIJILL_DATA_DIR')).toMatchObject({
      value: dataDir,
      origin: 'environment',
    });
    const left = join(dataDir, 'vault', 'keyring.json.0a1b2c3d4e5f.unfinished');
    writeFileSync(left, 'all keys');
    const { checks } = await sijillJson<{ checks: { check: string; status: string; detail: string }[] }>(
      ['doctor'],
      env,
    );
    rmSync(left);
    expect(checks).toContainEqual(
      expect.objectContaining({ check: 'keyring', status: 'warn', detail: expect.stringContaining(left) }),
    );
    const broken = await sijill(['doctor', '--json'], {
      ...env,
      SIJILL_KAFKA_BROKERS: '127.0.0.1:1',
      SIJILL_DATABASE: 'postgresql://u:secret@127.0.0.1:1/x',
    });
    expect(broken.code).toBe(3);
    expect(broken.stdout).not.toContain('secret');
    const failed = (
      JSON.parse(broken.stdout) as { checks: { check: string; status: string; detail: string; cure: string }[] }
    ).checks.filter(({ status }) => status === 'fail');
    expect(failed.map(({ check }) => check)).toEqual(expect.arrayContaining(['database', 'kafka']));
    for (const { cure } of failed) expect(cure).toBeTruthy();
    expect(failed).toContainEqual(
      expect.objectContaining({
        check: 'database',
        detail: expect.stringContaining('cannot be reached (ECONNREFUSED)'),
      }),
    );
    expect((await sijill(['doctor'], { ...env, SIJILL_HTTP_PORT: 'x' })).code).toBe(2);
  });
});

describe('sijill on the command line, beside a running server', () => {
  it('makes and revokes keys that hold at once, imports, and shows what the server took in', async () => {
    const server = await startServer();
    const { id, key, roles } = await sijillJson<{ id: string; key: string; roles: string[] }>(
      ['keys', 'create', '--role', 'officer', '--role', 'producer', '--name', 'desk'],
      server.env,
    );
    expect(roles).toEqual(['producer', 'officer']);
    const event = disclosed('+966500000050');
    const sent = await request(`${server.url}/v1/events`, { key, body: event, type: 'application/cloudevents+json' });
    expect(sent.status).toBe(201);
    const file = join(server.dataDir, 'more.ndjson');
    writeFileSync(file, [event, disclosed('+966500000050')].map((line) => JSON.stringify(line)).join('\n'));
    expect(await sijillJson(['import', file, '--producer', 'desk'], server.env)).toMatchObject({
      lines: 2,
      accepted: 1,
      duplicates: 1,
    });
    const history = await sijillJson<History>(
      ['history', '--identifier', 'phone:+966500000050', '--reason', 'x'],
      server.env,
    );
    expect(history.items).toHaveLength(2);
    const over = await request<{ items: unknown[] }>(`${server.url}/v1/subjects/${history.subjectId}/disclosures`, {
      key,
      reason: 'x',
    });
    expect(over.body.items).toHaveLength(2);
    await sijill(['keys', 'revoke', id], server.env);
    expect(
      (await request(`${server.url}/v1/subjects/${history.subjectId}/disclosures`, { key, reason: 'x' })).status,
    ).toBe(401);
    const { keys } = await sijillJson<{ keys: { id: string; revokedAt: string | null }[] }>(
      ['keys', 'list'],
      server.env,
    );
    expect(keys.find((each) => each.id === id)?.revokedAt).not.toBeNull();
    expect(JSON.stringify(keys)).not.toContain(key);
    await server.kill();
  });

  it('does not take the port of another, and says what to change', async () => {
    const server = await startServer();
    const { port } = new URL(server.url);
    const { code, stderr } = await sijill(['serve'], {
      SIJILL_DATA_DIR: freshDataDir('same-port'),
      SIJILL_HTTP_PORT: port,
    });
    expect([code, stderr]).toEqual([2, expect.stringContaining(`:${port} is taken; set SIJILL_HTTP_PORT`)]);
    await server.kill();
  });

  it('goes on with an import that was killed in the middle', async () => {
    const dataDir = freshDataDir('killed-import');
    const env = { SIJILL_DATA_DIR: dataDir };
    const file = join(dataDir, 'many.ndjson');
    const total = 6_000;
    writeFileSync(
      file,
      Array.from({ length: total }, (_, i) =>
        JSON.stringify(disclosed(`+9665000000${String(i % 60).padStart(2, '0')}`)),
      ).join('\n'),
    );
    const { spawn } = await import('node:child_process');
    for (const milliseconds of [900, 1_100]) {
      const child = spawn(process.execPath, ['apps/cli/bin/sijill.js', 'import', file], {
        env: { ...process.env, ...env },
        stdio: 'ignore',
      });
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      child.kill('SIGKILL');
      await new Promise((resolve) => child.once('close', resolve));
    }
    const result = await sijillJson<Imported>(['import', file], env);
    expect(result.accepted + result.duplicates).toBe(total);
    expect(result.rejected).toEqual([]);
    const again = await sijillJson<Imported>(['import', file], env);
    expect(again).toMatchObject({ accepted: 0, duplicates: total });
    const history = await sijillJson<History>(['history', '--identifier', 'phone:+966500000007', '--reason', 'x'], env);
    expect(history.items).toHaveLength(total / 60);
  });
});

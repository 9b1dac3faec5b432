import Database from 'better-sqlite3';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AccountingDataset, ReportView } from '@sijill/reports';
import { parseVerifierKey, proofLines, ProofInvalid, verifyAccountingProof, verifyReport } from '@sijill/transparency';
import { BATCH, collected, disclosed } from '../support/events.js';
import {
  eventually,
  freshDataDir,
  logKeyOf,
  request,
  sijill,
  startServer,
  type TestServer,
} from '../support/sijill.js';

const PHONE = '+966500000061';
const OTHER = '+966500000062';

describe('the proof of an accounting', () => {
  let server: TestServer;
  let officer: string;
  const folder = freshDataDir('accounting-proof');
  const file = (name: string): string => join(folder, name);
  const save = (name: string, content: string | Uint8Array): string => {
    writeFileSync(file(name), content);
    return file(name);
  };
  const verify = async (proof: string, report?: string): Promise<{ code: number | null; answer: never }> => {
    const beside = report === undefined ? [] : ['--report', report];
    const args = ['verify', 'bundle', proof, ...beside, '--key', file('vkey'), '--json'];
    const { code, stdout } = await sijill(args, {});
    return { code, answer: (stdout === '' ? {} : JSON.parse(stdout)) as never };
  };

  beforeAll(async () => {
    server = await startServer();
    officer = await server.key('officer');
    const producer = await server.key('producer');
    const events = Array.from({ length: 60 }, (_, i) =>
      i % 7 === 6
        ? collected(PHONE, { id: `collected-${i}` })
        : disclosed(i % 3 === 0 ? OTHER : PHONE, { id: `event-${i}`, time: `2026-0${1 + (i % 6)}-11T09:00:00Z` }),
    );
    // One is sent again, and does not count; one id is used for something else, and is shown as a conflict.
    events.push(events[1]!, { ...events[2]!, data: { ...(events[2]!['data'] as object), purpose: 'marketing' } });
    const body = { key: producer, body: events, type: BATCH };
    expect((await request(`${server.url}/v1/events`, body)).status).toBe(201);
    save('vkey', await logKeyOf(server));
  });
  afterAll(() => server.kill());

  const report = async (parameters: object): Promise<{ view: ReportView; bytes: Record<string, Buffer> }> => {
    const ordered = await request<ReportView>(`${server.url}/v1/reports`, {
      key: officer,
      body: {
        report: 'accounting',
        parameters: { audience: 'officer', ...parameters },
        language: 'en',
        formats: ['json', 'csv'],
      },
    });
    expect(ordered.status).toBe(202);
    const { body: view } = await eventually(
      () => request<ReportView>(`${server.url}/v1/reports/${ordered.body.id}`, { key: officer }),
      ({ body }) => ['done', 'failed'].includes(body.status),
    );
    const bytes: Record<string, Buffer> = {};
    for (const { name } of view.files) {
      const response = await fetch(`${server.url}/v1/reports/${view.id}/files/${name}`, {
        headers: { authorization: `Bearer ${officer}` },
      });
      bytes[name] = Buffer.from(await response.arrayBuffer());
    }
    return { view, bytes };
  };

  it('comes with the report and holds; with anything left out, added or changed neither of them does', async () => {
    const identifier = { scheme: 'phone', value: PHONE };
    const { view, bytes } = await report({ identifier, reason: 'access request 1' });
    expect(view.files.map(({ name }) => name)).toEqual(['accounting.json', 'accounting.csv', 'accounting.proof']);
    const proof = save('accounting.proof', bytes['accounting.proof']!);
    const json = save('accounting.json', bytes['accounting.json']!);
    const dataset = JSON.parse(bytes['accounting.json']!.toString()) as AccountingDataset;
    const { code, answer } = await verify(proof, json);
    expect([code, answer]).toEqual([
      0,
      expect.objectContaining({
        holds: true,
        subject: dataset.subject.subjectId,
        linked: [],
        withheld: 0,
        openConflicts: 0,
        complete: true,
        report: {
          disclosures: 36,
          complete: true,
          conflicts: 1,
          newer: 0,
          uncounted: 1,
          unproven: '0',
          notCompared: expect.arrayContaining(['eventId']) as string[],
        },
      }),
    ]);
    expect(dataset.disclosures).toHaveLength(36);
    expect(dataset.totals).toMatchObject({ entries: 36, conflicts: 1, withheld: 0 });
    // All disclosures that the store has about them, one that repeats another too; and nothing else: no collection, no look-up.
    const ledger = new Database(join(server.dataDir, 'ledger.sqlite'), { readonly: true });
    const stored = ledger
      .prepare(`select type from entry where position <= ? and data ->> 'subjectId' = ?`)
      .pluck()
      .all(Number((answer as { covered: string }).covered), dataset.subject.subjectId);
    ledger.close();
    const isDisclosure = (type: unknown): boolean => type === 'sijill.data.disclosed.v1';
    expect((answer as { entries: number }).entries).toBe(stored.filter(isDisclosure).length);
    expect(stored.filter((type) => !isDisclosure(type)).length).toBeGreaterThan(8);
    const lines = [...proofLines(bytes['accounting.proof']!)];
    expect(lines.filter((line) => line.startsWith('leaf '))).toHaveLength(37);
    expect(lines.join('')).not.toMatch(/collected|consulted/);

    const without = save(
      'less.proof',
      lines
        .toSpliced(
          lines.findIndex((line) => line.startsWith('leaf ')),
          1,
        )
        .join('\n'),
    );
    expect(await verify(without)).toMatchObject({ code: 1, answer: { holds: false } });
    const { disclosures } = dataset;
    const changes: AccountingDataset['disclosures'][] = [
      disclosures.toSpliced(4, 1),
      [...disclosures, disclosures[0]!],
      [...disclosures, { ...disclosures[0]!, entryId: view.id }],
      disclosures.with(7, { ...disclosures[7]!, purpose: 'research' }),
      disclosures.with(7, { ...disclosures[7]!, recipient: { ...disclosures[7]!.recipient, country: 'DE' } }),
      disclosures.with(0, { ...disclosures[0]!, occurredAt: '2026-02-01T00:00:00.000Z' }),
      disclosures.with(0, { ...disclosures[0]!, producer: null }),
      disclosures.map((disclosure) => ({ ...disclosure, standing: 'first' })),
      disclosures.with(0, { ...disclosures[0]!, request: { reference: 'made up', sha256: null } }),
    ];
    const { totals } = dataset;
    expect(
      await verify(proof, save('fewer.json', JSON.stringify({ ...dataset, totals: { ...totals, entries: 35 } }))),
    ).toMatchObject({
      code: 1,
      answer: { holds: false },
    });
    const trust = { log: [parseVerifierKey(readFileSync(file('vkey'), 'utf8').trim())] };
    const shown = verifyAccountingProof(proofLines(bytes['accounting.proof']!), trust);
    for (const changed of [disclosures, ...changes]) {
      const verdict = (): unknown => verifyReport(shown, JSON.stringify({ ...dataset, disclosures: changed }));
      if (changed === disclosures) verdict();
      else expect(verdict).toThrow(ProofInvalid);
    }
    const part = await report({ identifier, reason: 'a part', from: '2026-02-01', to: '2026-04-01T00:00:00Z' });
    const [some, whole] = [part.bytes['accounting.json']!, part.bytes['accounting.proof']!];
    expect(await verify(save('part.proof', whole), save('part.json', some))).toMatchObject({
      code: 0,
      answer: { report: { disclosures: disclosures.filter(({ occurredAt }) => /-0[23]-/.test(occurredAt)).length } },
    });
    expect(await verify(proof, save('other.json', '{"disclosures": 1}'))).toMatchObject({ code: 1 });
    expect((await verify(file('nowhere'))).code).toBe(3);
    // A terminal obeys nothing that a refusal repeats.
    const checkpoint = `\u009b2Jlog\n1\n${'A'.repeat(43)}=\n\n— somebody AAAAAAAA\n`;
    const evil = save('evil.proof', [...lines.slice(0, -6), checkpoint].join('\n'));
    const { stdout } = await sijill(['verify', 'bundle', evil, '--key', file('vkey')], {});
    expect(stdout).toMatch(/^DOES NOT HOLD: .* it says it is of \ufffd2Jlog\.\n$/);
  }, 180_000);

  it('is for the person itself the same whether or not anything is kept from it: each line, and no number of others', async () => {
    const { view, bytes } = await report({
      identifier: { scheme: 'phone', value: PHONE },
      reason: 'mine',
      audience: undefined,
    });
    expect(view.files.map(({ name }) => name)).toEqual(['accounting.json', 'accounting.csv', 'accounting.proof']);
    const dataset = JSON.parse(bytes['accounting.json']!.toString()) as AccountingDataset;
    expect(dataset).toMatchObject({
      parameters: { audience: 'subject' },
      subject: { openConflicts: null },
      totals: { entries: 36, withheld: null },
      notes: [{ code: 'may_be_withheld', text: expect.stringContaining('whether or not there is one') as string }],
    });
    const lines = [...proofLines(bytes['accounting.proof']!)];
    expect(lines.slice(0, 4)).toEqual([
      'sijill accounting proof v3',
      `as of ${dataset.asOf.position}`,
      `subject ${dataset.subject.subjectId}`,
      '',
    ]);
    expect(lines.filter((line) => /^(?:leaf|map|withheld) /.test(line))).toHaveLength(36);
    const [proof, json] = [save('own.proof', bytes['accounting.proof']!), save('own.json', bytes['accounting.json']!)];
    expect(await verify(proof, json)).toMatchObject({
      code: 0,
      answer: {
        complete: false,
        entries: 36,
        withheld: null,
        openConflicts: null,
        covered: null,
        notCovered: expect.arrayContaining(['whether there are other entries about this subject']) as string[],
        report: { disclosures: 36, complete: false },
      },
    });
    // What is not in the report is not in the proof, and what is not in the proof is in no report that holds.
    const less = { ...dataset, disclosures: dataset.disclosures.slice(1) };
    expect(await verify(proof, save('own-less.json', JSON.stringify(less)))).toMatchObject({ code: 1 });
    const line = lines.findIndex((one) => one.startsWith('leaf '));
    expect(await verify(save('own-less.proof', lines.toSpliced(line, 1).join('\n')), json)).toMatchObject({ code: 1 });
  }, 60_000);

  it('is of all subjects that are one person, and says how much of that is not settled', async () => {
    const [phone, mail] = ['+966500000063', 'layan@example.com'];
    const account = (value: string): object => ({ scheme: 'account', value });
    const about = (...identifiers: object[]): Record<string, unknown> =>
      disclosed(phone, {}, { dataSubjects: [{ identifiers, role: 'user' }] });
    const [number, address] = [
      { scheme: 'phone', value: phone },
      { scheme: 'email', value: mail },
    ];
    // An account and a number that turn out to be one person's; and the account of another who shares the address.
    const events = [
      about(account('acc-9'), address),
      about(number),
      about(account('acc-9'), number),
      about(account('acc-10'), address),
    ];
    const body = { key: await server.key('producer'), body: events, type: BATCH };
    expect((await request(`${server.url}/v1/events`, body)).status).toBe(201);
    const { bytes } = await report({ identifier: number, reason: 'access request 3' });
    const { subject, disclosures } = JSON.parse(bytes['accounting.json']!.toString()) as AccountingDataset;
    expect(disclosures).toHaveLength(3);
    expect(subject).toMatchObject({ linked: [expect.any(String)], openConflicts: 1 });
    expect(subject.identifiers.map(({ value }) => value).sort()).toEqual([phone, 'acc-9', mail].sort());
    const proof = save('linked.proof', bytes['accounting.proof']!);
    const json = save('linked.json', bytes['accounting.json']!);
    expect(await verify(proof, json)).toMatchObject({
      code: 0,
      answer: { subject: subject.subjectId, linked: subject.linked, openConflicts: 1, report: { disclosures: 3 } },
    });
    const { stdout } = await sijill(['verify', 'bundle', proof, '--report', json, '--key', file('vkey')], {});
    expect(stdout).toContain('has not settled whether somebody else in it is this person too; open cases: 1.');
    // Half of it is none, whichever half.
    const lines = [...proofLines(bytes['accounting.proof']!)];
    const [first, second] = [subject.subjectId, ...subject.linked].map((id) => lines.indexOf(`subject ${id}`)) as [
      number,
      number,
    ];
    const [from, to] = [Math.min(first, second), Math.max(first, second)];
    for (const half of [
      lines.toSpliced(from, to - from),
      lines.toSpliced(to, lines.indexOf('', lines.lastIndexOf('chain identity') + 3) - to),
    ])
      expect(await verify(save('half.proof', half.join('\n')))).toMatchObject({ code: 1, answer: { holds: false } });
    // Nor holds a report that tells of no open case, though its entry was there before.
    const later = await report({ identifier: number, reason: 'access request 3, once more' });
    const dataset = JSON.parse(later.bytes['accounting.json']!.toString()) as AccountingDataset;
    const settled = { ...dataset, subject: { ...dataset.subject, openConflicts: 0 } };
    const laterProof = save('later.proof', later.bytes['accounting.proof']!);
    expect(await verify(laterProof, save('settled.json', JSON.stringify(settled)))).toMatchObject({
      code: 1,
      answer: { reason: 'the report does not tell of 1 open conflicts' },
    });
    // Nobody's document names who the other is.
    const other = await report({ identifier: account('acc-10'), reason: 'access request 4' });
    const theirs = (JSON.parse(other.bytes['accounting.json']!.toString()) as AccountingDataset).subject;
    expect(theirs).toMatchObject({ linked: [], openConflicts: 1 });
    for (const given of Object.values(bytes)) expect(given.toString()).not.toContain(theirs.subjectId);
    for (const given of Object.values(other.bytes))
      for (const id of [subject.subjectId, ...subject.linked]) expect(given.toString()).not.toContain(id);
  }, 180_000);

  it('holds for the later owner of a number, who has an event that was sent again behind a release that was told late', async () => {
    const key = await server.key('producer');
    const number = { scheme: 'phone', value: '+966500000064' };
    const send = async (event: object): Promise<string> => {
      const answer = await request<{ accepted: { entries: { subjectId: string }[] }[] }>(`${server.url}/v1/events`, {
        ...{ key, body: [event], type: BATCH },
      });
      expect(answer.status).toBe(201);
      return answer.body.accepted[0]!.entries[0]!.subjectId;
    };
    const march = disclosed(number.value, { id: 'march', time: '2026-03-01T00:00:00Z' });
    const earlier = await send(march);
    const data = { dataSubjects: [{ identifiers: [number], role: 'user' }] };
    const released = { ...march, type: 'sijill.identifier.released.v1', id: 'released', time: '2026-02-01T00:00:00Z' };
    expect(await send({ ...released, data })).toBe(earlier);
    const later = await send(march);
    expect(later).not.toBe(earlier);
    expect(await send(march)).toBe(later);
    const { bytes } = await report({ identifier: number, reason: 'access request 5' });
    const dataset = JSON.parse(bytes['accounting.json']!.toString()) as AccountingDataset;
    expect(dataset).toMatchObject({ subject: { subjectId: later }, disclosures: [{ standing: 'conflict' }] });
    const [proof, json] = [
      save('later-owner.proof', bytes['accounting.proof']!),
      save('later-owner.json', bytes['accounting.json']!),
    ];
    expect(await verify(proof, json)).toMatchObject({
      code: 0,
      answer: { subject: later, report: { disclosures: 1, conflicts: 1, uncounted: 1 } },
    });
  }, 60_000);

  it('is written beside what the command line makes, also at rest, and holds after an erasure', async () => {
    const out = file('by-command.json');
    const args = [
      'report',
      'accounting',
      '--identifier',
      `phone:${OTHER}`,
      '--reason',
      'request 2',
      '--audience',
      'officer',
    ];
    const make = async (): Promise<{ subjectId: string; proof: { file: string } | null }> => {
      const made = await sijill([...args, '--format', 'json', '--out', out, '--json'], server.env);
      expect(made.code).toBe(0);
      return JSON.parse(made.stdout) as Awaited<ReturnType<typeof make>>;
    };
    expect((await make()).proof).toMatchObject({ file: file('by-command.proof') });
    expect((await verify(file('by-command.proof'), out)).code).toBe(0);

    await server.kill();
    const { subjectId } = await make();
    const { answer } = await verify(file('by-command.proof'), out);
    // Without a notary the map stays where it is, and that is told.
    const report = { newer: 0, unproven: expect.stringMatching(/^[1-9]\d*$/) as string };
    expect(answer).toMatchObject({ holds: true, subject: subjectId, report });
    const vault = new Database(join(server.dataDir, 'vault', 'vault.sqlite'));
    vault.prepare('delete from vault_key where holder = ?').run(`subject/${subjectId}`);
    vault.close();
    expect((await verify(file('by-command.proof'), out)).code).toBe(0);
    const store = await sijill(['verify', 'store', '--key', file('vkey'), '--json'], server.env);
    expect(JSON.parse(store.stdout)).toMatchObject({ holds: true, findings: [] });
    expect([...proofLines(readFileSync(file('by-command.proof')))].join('')).not.toContain(OTHER.slice(-9));
  }, 180_000);
});

import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { proofLines } from '@sijill/transparency';
import { BATCH, disclosed } from '../support/events.js';
import { eventually, logKeyOf, request, sijill, startServer, type TestServer } from '../support/sijill.js';

interface Answer {
  readonly accepted: { duplicate: boolean; entries: { entryId: string; subjectId: string | null }[] }[];
  readonly rejected: { errors: { path: string; code: string }[] }[];
}

interface LookedUp {
  readonly subjectId: string;
  readonly linked: string[];
  readonly until: string | null;
  readonly shared: string[];
  readonly openConflicts: number;
}

type Item = Record<string, unknown> & { entryId: string; standing: string; producer: string };

/** What one producer may do to what another one says: nothing but what the registry gives it. Each of these was seen go wrong. */
describe('producers beside each other', () => {
  let server: TestServer;
  let officer: string;
  const keys = new Map<string, string>();
  const folder = mkdtempSync(join(tmpdir(), 'sijill-producers-'));

  const producer = async (name: string, terms: Parameters<TestServer['producer']>[1]): Promise<void> => {
    keys.set(name, await server.producer(name, terms));
  };
  const send = async (by: string, ...events: unknown[]): Promise<Answer> =>
    (await request<Answer>(`${server.url}/v1/events`, { key: keys.get(by)!, body: events, type: BATCH })).body;
  const person = (...identifiers: Record<string, unknown>[]) => ({ dataSubjects: [{ identifiers }] });
  const phone = (value: string, more: object = {}) => ({ scheme: 'phone', value, ...more });
  const email = (value: string, more: object = {}) => ({ scheme: 'email', value, ...more });
  const account = (value: string, more: object = {}) => ({ scheme: 'account', value, ...more });
  const lookUp = (identifier: object, at?: string) =>
    request<LookedUp>(`${server.url}/v1/subjects/lookup`, {
      key: officer,
      body: { identifier, reason: 'a test of identity', ...(at === undefined ? {} : { at }) },
    });
  const known = async (identifier: object, at?: string): Promise<LookedUp> => {
    const { status, body } = await lookUp(identifier, at);
    expect(status).toBe(200);
    return body;
  };
  const history = async (identifier: object): Promise<Item[]> => {
    const { subjectId } = await known(identifier);
    const { body } = await request<{ items: Item[] }>(`${server.url}/v1/subjects/${subjectId}/disclosures?limit=500`, {
      key: officer,
      reason: 'a test of identity',
    });
    return body.items;
  };
  const fileOf = async (reportId: string, name: string): Promise<Buffer> => {
    const headers = { authorization: `Bearer ${officer}` };
    const answer = await fetch(`${server.url}/v1/reports/${reportId}/files/${name}`, { headers });
    expect(answer.status).toBe(200);
    return Buffer.from(await answer.arrayBuffer());
  };
  const accounting = async (identifier: object): Promise<{ report: Accounting; json: string; proof: string }> => {
    const ordered = await request<{ id: string }>(`${server.url}/v1/reports`, {
      key: officer,
      body: {
        report: 'accounting',
        parameters: { identifier, audience: 'officer', reason: 'access request' },
        formats: ['json'],
      },
    });
    expect(ordered.status).toBe(202);
    const { id } = ordered.body;
    await eventually(
      () => request<{ status: string }>(`${server.url}/v1/reports/${id}`, { key: officer }),
      ({ body }) => body.status === 'done',
    );
    const at = (name: string): string => join(folder, `${id}.${name}`);
    writeFileSync(at('json'), await fileOf(id, 'accounting.json'));
    writeFileSync(at('proof'), await fileOf(id, 'accounting.proof'));
    return {
      report: JSON.parse(readFileSync(at('json'), 'utf8')) as Accounting,
      json: at('json'),
      proof: at('proof'),
    };
  };
  interface Accounting {
    readonly subject: { subjectId: string; linked: string[]; identifiers: { value: string }[]; openConflicts: number };
    readonly totals: { entries: number; conflicts: number };
    readonly disclosures: Item[];
  }
  const verify = async (made: { json: string; proof: string }) => {
    const vkey = join(folder, 'log.vkey');
    writeFileSync(vkey, await logKeyOf(server));
    return sijill(['verify', 'bundle', made.proof, '--report', made.json, '--key', vkey], server.env);
  };

  beforeAll(async () => {
    server = await startServer();
    officer = await server.key('officer');
    await producer('sms', { sources: ['/sms'], mayLink: true });
    await producer('billing', { sources: ['/billing'], realm: 'billing', mayLink: true });
    await producer('shop', { sources: ['/shop'], realm: 'shop', mayLink: true });
    await producer('survey', { sources: ['/survey'], realm: 'survey' });
    await producer('anything', { mayLink: true });
  });
  afterAll(async () => {
    expect(await server.kill()).toBe(0);
  });

  it("cannot use up another's event ids: the same source and id of two producers are two events", async () => {
    const id = 'sms-1001';
    const [mallory, layla] = ['+966500000501', '+966500000502'];
    const source = '/sms/gateway';
    expect(await send('anything', disclosed(mallory, { id, source }))).toMatchObject({
      accepted: [{ duplicate: false }],
    });
    expect(await send('sms', disclosed(layla, { id, source }))).toMatchObject({ accepted: [{ duplicate: false }] });
    expect(await history(phone(layla))).toMatchObject([{ eventId: id, source, producer: 'sms', standing: 'first' }]);
    const made = await accounting(phone(layla));
    expect(made.report.totals).toMatchObject({ entries: 1, conflicts: 0 });
    expect(await verify(made)).toMatchObject({ code: 0 });
    // Sent again by its own producer it is a repeat, and in no history.
    expect(await send('sms', disclosed(layla, { id, source }))).toMatchObject({ accepted: [{ duplicate: true }] });
  });

  it("cannot speak for another's sources, nor name realms that are not its own without the right to link", async () => {
    const foreign = await send('billing', disclosed('+966500000503', { source: '/sms/gateway' }));
    expect(foreign).toMatchObject({ rejected: [{ errors: [{ path: 'source', code: 'foreign_source' }] }] });
    const realm = disclosed('', { source: '/survey' }, person(account('42', { realm: 'billing' })));
    expect(await send('survey', realm)).toMatchObject({
      rejected: [{ errors: [{ path: 'data.dataSubjects[0].identifiers[0].realm', code: 'foreign_realm' }] }],
    });
    expect((await lookUp(phone('+966500000503'))).status).toBe(404);
  });

  it("cannot tie an address of its own to somebody else's number", async () => {
    const [victim, mallory] = ['+966500000504', 'mallory-504@example.com'];
    await send('sms', disclosed(victim, { source: '/sms' }));
    const poisoned = disclosed('', { source: '/survey' }, person(phone(victim), email(mallory)));
    const answer = await send('survey', poisoned);
    // It is told of no subject, and the address leads to nobody.
    expect(answer.accepted[0]!.entries[0]!.subjectId).toBeNull();
    expect((await lookUp(email(mallory))).status).toBe(404);
    // With the right to link, two contacts alone never make two people one: known apart, they stay apart.
    await send('shop', disclosed('', { source: '/shop' }, person(email(mallory))));
    await send('shop', disclosed('', { source: '/shop' }, person(email(mallory), phone(victim))));
    const { subjectId, linked, openConflicts } = await known(email(mallory));
    expect([linked, openConflicts]).toEqual([[], 1]);
    expect((await known(phone(victim))).subjectId).not.toBe(subjectId);
    const { report } = await accounting(email(mallory));
    expect(JSON.stringify(report)).not.toContain(victim);
    expect(report.subject).toMatchObject({ linked: [], openConflicts: 1 });
  });

  it('have account ids of their own: 42 of two services is two people', async () => {
    await send('billing', disclosed('', { source: '/billing' }, person(account('42'))));
    await send('shop', disclosed('', { source: '/shop' }, person(account('42'))));
    const [billing, shop] = [
      await known(account('42', { realm: 'billing' })),
      await known(account('42', { realm: 'shop' })),
    ];
    expect(billing.subjectId).not.toBe(shop.subjectId);
    expect([billing.linked, shop.linked, billing.openConflicts]).toEqual([[], [], 0]);
  });

  it('tie what belongs together, and an accounting by either has all of it, with a proof', async () => {
    const [acc, number] = [account('acc-9'), phone('+966500000509')];
    await send(
      'sms',
      disclosed('', { source: '/sms' }, person(acc)),
      disclosed('', { source: '/sms' }, person(number)),
    );
    await send('sms', disclosed('', { source: '/sms' }, person(acc, number)));
    const [byAccount, byPhone] = [await known(acc), await known(number)];
    expect(byAccount.linked).toEqual([byPhone.subjectId]);
    expect(byPhone.linked).toEqual([byAccount.subjectId]);
    for (const identifier of [acc, number]) {
      const made = await accounting(identifier);
      expect(made.report.totals.entries).toBe(3);
      expect(made.report.subject.identifiers.map(({ value }) => value).sort()).toEqual([number.value, 'acc-9'].sort());
      expect(await verify(made)).toMatchObject({ code: 0 });
      // Half of it does not pass for all of it.
      const lines = [...proofLines(readFileSync(made.proof))];
      const [first, second] = lines.flatMap((line, i) =>
        line.startsWith('subject ') && !line.includes('=') ? [i] : [],
      );
      writeFileSync(made.proof, lines.toSpliced(first!, second! - first!).join('\n'));
      expect(await verify(made)).toMatchObject({ code: 1 });
    }
  });

  it('have a conflicting event shown where it belongs, flagged and counted apart', async () => {
    const number = '+966500000510';
    const event = disclosed(number, { source: '/sms' });
    await send('sms', event);
    await send('sms', {
      ...event,
      data: { ...(event['data'] as object), purpose: 'marketing', legalBasis: 'consent' },
    });
    const items = await eventually(
      () => history(phone(number)),
      (all) => all.length === 2,
    );
    expect(items.map(({ standing }) => standing).sort()).toEqual(['conflict', 'first']);
    const made = await accounting(phone(number));
    expect(made.report.totals).toMatchObject({ entries: 2, conflicts: 1 });
    expect(await verify(made)).toMatchObject({ code: 0 });
  });

  it('give a number back: from then on it leads to the next, and a late event to whoever had it then', async () => {
    const number = '+966500000511';
    const [june, july, august] = ['2026-06-10', '2026-07-10', '2026-08-10'].map((day) => `${day}T10:00:00.000Z`);
    const at = (time: string | undefined, more: object = {}) =>
      disclosed('', { source: '/sms', time, ...more }, person(phone(number)));
    await send('sms', at(june));
    const first = await known(phone(number));
    const released = { ...at(july), type: 'sijill.identifier.released.v1', data: person(phone(number)) };
    expect(await send('billing', { ...released, source: '/billing' })).toMatchObject({
      rejected: [{ errors: [{ code: 'release_refused' }] }],
    });
    expect(await send('sms', released)).toMatchObject({ rejected: [] });
    expect((await lookUp(phone(number))).status).toBe(404);
    await send('sms', at(august));
    const second = await known(phone(number));
    expect(second.subjectId).not.toBe(first.subjectId);
    await send('sms', at('2026-06-20T10:00:00.000Z'));
    expect(await known(phone(number), '2026-06-30T00:00:00.000Z')).toMatchObject({
      subjectId: first.subjectId,
      until: july,
    });
    const { body } = await eventually(
      () =>
        request<{ items: Item[] }>(`${server.url}/v1/subjects/${first.subjectId}/disclosures`, {
          key: officer,
          reason: 'a test of identity',
        }),
      (answer) => answer.body.items?.length === 2,
    );
    expect(body.items.map(({ occurredAt }) => occurredAt)).toEqual(['2026-06-20T10:00:00.000Z', june]);
    expect(await history(phone(number))).toHaveLength(1);
  });

  it('that are retired say nothing more', async () => {
    await producer('old', { mayLink: true });
    expect(await send('old', disclosed('+966500000512'))).toMatchObject({ rejected: [] });
    const admin = await server.key('admin');
    const retired = await request(`${server.url}/v1/producers/old`, {
      key: admin,
      method: 'DELETE',
      body: { reason: 'a test of producers' },
    });
    expect(retired.status).toBe(200);
    const { status } = await request(`${server.url}/v1/events`, {
      key: keys.get('old')!,
      body: [disclosed('+966500000512')],
      type: BATCH,
    });
    expect(status).toBe(401);
  });
});

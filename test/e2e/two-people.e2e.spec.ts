import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Access } from '@sijill/access';
import { sqlTarget } from '@sijill/ledger';
import { clockOf, parseConfig } from '@sijill/platform';
import Sqlite from 'better-sqlite3';
import { compactDecrypt } from 'jose';
import { filesBelow, found } from '../support/byte-search.js';
import { Canaries } from '../support/canaries.js';
import { BATCH, disclosed } from '../support/events.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import {
  eventually,
  freshDataDir,
  request,
  sijill,
  sijillJson,
  startServer,
  type HttpAnswer,
  type TestServer,
} from '../support/sijill.js';

interface Opened {
  readonly entryId: string;
  readonly sealed: Record<string, Record<string, unknown>>;
  readonly opening: { part: string; keyId: string; text: string; key: string; blinding: string }[];
  readonly destroyed: boolean;
}

/** A key beside a running server. All keys of one name are one principal's. */
async function keyFor(env: Record<string, string>, name: string, ...roles: string[]): Promise<string> {
  const config = parseConfig(env);
  const access = await Access.open(sqlTarget(config, 'access'), config, clockOf(config));
  const { key } = await access.keys.create({ name, roles }, { name: 'tests', principal: 'command-line' });
  await access.close();
  return key;
}

/** What one officer asks for and another confirms, as they meet it: over HTTP, on the command line, and in the hands of a regulator. */
describe('two people', () => {
  const dataDir = freshDataDir('two-people');
  const env = { SIJILL_DATA_DIR: dataDir, SIJILL_LOG_LEVEL: 'trace', SIJILL_LIMIT_UNSEAL: '6' };
  const dual = { ...env, SIJILL_DUAL_CONTROL: 'unseal,separation' };
  const canaries = new Canaries();
  const keys: Record<string, string> = {};
  const logs: string[] = [];
  let server: TestServer;
  let entryId = '';
  let subjects: string[] = [];
  const secret = (at: string): string => canaries.fresh(at, false);
  const actor = secret('actor');
  const details = secret('details');

  const makeKey = async (as: string, name: string, ...roles: string[]): Promise<void> => {
    keys[as] = await keyFor(dual, name, ...roles);
  };
  const post = <T = Record<string, unknown>>(path: string, body: unknown, as: string): Promise<HttpAnswer<T>> =>
    request<T>(`${server.url}/v1/${path}`, { key: keys[as]!, body });
  const get = <T = Record<string, unknown>>(path: string, as: string, reason?: string): Promise<HttpAnswer<T>> =>
    request<T>(`${server.url}/v1/${path}`, { key: keys[as]!, ...(reason === undefined ? {} : { reason }) });
  const ask = async (as = 'huda', reason = secret('reason of asking')): Promise<string> => {
    const { status, body, headers } = await post<{ confirmationId: string }>(
      `entries/${entryId}/unseal`,
      { reason },
      as,
    );
    expect([status, Object.keys(body)]).toEqual([202, ['confirmationId']]);
    expect(headers.get('location')).toBe(`/v1/confirmations/${body.confirmationId}`);
    return body.confirmationId;
  };
  const answer = (id: string, how: 'confirm' | 'decline', as: string): Promise<HttpAnswer> =>
    post(`confirmations/${id}/${how}`, { reason: secret(`reason to ${how}`) }, as);
  const stop = async (): Promise<void> => {
    logs.push(server.log());
    expect(await server.kill()).toBe(0);
  };

  beforeAll(async () => {
    server = await startServer(dual);
    await makeKey('huda', 'Huda', 'officer');
    await makeKey('hudas other', 'Huda', 'officer', 'admin');
    await makeKey('noura', 'Noura', 'officer');
    await makeKey('regulator', 'Regulator', 'regulator');
    keys['shop'] = await server.producer('shop', { mayLink: true });
    const events = ['01', '02'].map((n) =>
      disclosed(`+9665000004${n}`, {}, { actor, details: { note: details }, recipient: undefined, ...disclosure() }),
    );
    const { status, body } = await request<{ accepted: { entries: { entryId: string; subjectId: string }[] }[] }>(
      `${server.url}/v1/events`,
      { key: keys['shop']!, body: events, type: BATCH },
    );
    expect(status).toBe(201);
    entryId = body.accepted[0]!.entries[0]!.entryId;
    subjects = body.accepted.map(({ entries }) => entries[0]!.subjectId);
  });
  const disclosure = (): object => ({
    recipient: {
      id: 'carrier-najd',
      name: 'Najd Mobile',
      kind: 'organization',
      class: 'service_provider',
      country: 'SA',
    },
  });

  it('ask and confirm: by no key of the same name, and never twice', async () => {
    const id = await ask();
    for (const as of ['huda', 'hudas other'])
      expect(await answer(id, 'confirm', as)).toMatchObject({ status: 403, body: { code: 'own_request' } });
    expect((await answer(id, 'confirm', 'regulator')).status).toBe(403);
    expect((await post(`confirmations/${id}/confirm`, {}, 'noura')).status).toBe(400);
    expect(await get(`confirmations/${id}/result`, 'huda')).toMatchObject({
      status: 409,
      body: { code: 'not_confirmed' },
    });

    const list = await get<{ items: unknown[]; next: null; asOf: object }>('confirmations?status=open', 'noura');
    expect(list.body.items).toMatchObject([{ confirmationId: id, what: 'unseal', status: 'open', confirmedBy: null }]);
    expect(JSON.stringify(list.body)).not.toContain('canary');
    const one = await get<{ reason: string }>(`confirmations/${id}`, 'noura', 'asked to look at it');
    expect(one.body.reason).toMatch(/^canary/);
    expect(one.body).toMatchObject({ about: { entryId, subjectIds: [subjects[0]] } });

    expect(await answer(id, 'confirm', 'noura')).toMatchObject({
      status: 200,
      body: { status: 'confirmed', outcome: null },
    });
    for (const how of ['confirm', 'decline'] as const)
      expect(await answer(id, how, 'noura')).toMatchObject({ status: 409, body: { code: 'answered' } });
    expect(await get(`confirmations/${id}/result`, 'noura')).toMatchObject({
      status: 403,
      body: { code: 'not_yours' },
    });

    // A HEAD, as proxies and link previews send it, does not use up the one fetch.
    const head = await fetch(`${server.url}/v1/confirmations/${id}/result`, {
      method: 'HEAD',
      headers: { authorization: `Bearer ${keys['huda']!}` },
    });
    expect(head.status).toBe(404);
    const opened = await get<Opened>(`confirmations/${id}/result`, 'hudas other');
    expect(opened).toMatchObject({ status: 200, body: { entryId, destroyed: false } });
    expect(opened.body.sealed['staff']).toEqual({ actor });
    expect(JSON.stringify(opened.body.sealed)).toContain(details);
    expect(await get(`confirmations/${id}/result`, 'huda')).toMatchObject({ status: 410, body: { code: 'fetched' } });
    expect((await get('confirmations/4f1f0b6e-7f1c-4a3e-9a53-6a6f1c0d7b11', 'huda')).status).toBe(404);
    expect((await get('confirmations/nothing/result', 'huda')).status).toBe(404);
    expect((await get('confirmations?status=lost', 'huda')).status).toBe(400);
  });

  it('decline, on the command line, with a key of their own; whoever asked is refused there too', async () => {
    const id = await ask('noura');
    const as = (who: string): Record<string, string> => ({ ...dual, SIJILL_KEY: keys[who]! });
    const own = await sijill(['confirmations', 'confirm', id, '--reason', 'x'], as('noura'));
    expect([own.code, own.stderr]).toEqual([1, expect.stringContaining('somebody else has to confirm it')]);
    const declined = ['confirmations', 'decline', id, '--reason', 'no ticket'];
    expect(await sijillJson(declined, as('huda'))).toMatchObject({ status: 'declined', confirmedBy: null });
    const listed = await sijillJson<{ items: object[] }>(['confirmations', 'list'], as('huda'));
    expect(listed.items).toMatchObject([{ confirmationId: id, status: 'declined' }, { status: 'confirmed' }]);
    expect(await get(`confirmations/${id}/result`, 'noura')).toMatchObject({
      status: 410,
      body: { code: 'not_given' },
    });
  });

  it('separate two subjects: nothing before it is confirmed', async () => {
    const linked = await post('identity/links', { subjectIds: subjects, reason: secret('reason of a link') }, 'huda');
    expect(linked.status).toBe(201);
    const body = { subjectIds: subjects, reason: secret('reason of a separation') };
    const asked = await post<{ confirmationId: string }>('identity/separations', body, 'huda');
    expect(asked.status).toBe(202);
    const history = (): Promise<HttpAnswer<{ items: unknown[] }>> =>
      get(`subjects/${subjects[0]!}/disclosures`, 'huda', 'to see');
    expect((await history()).body.items).toHaveLength(2);
    expect(await answer(asked.body.confirmationId, 'confirm', 'noura')).toMatchObject({
      status: 200,
      body: { status: 'confirmed', outcome: { done: true, entryIds: [expect.any(String), expect.any(String)] } },
    });
    expect((await history()).body.items).toHaveLength(1);
    expect(await get(`confirmations/${asked.body.confirmationId}/result`, 'huda')).toMatchObject({
      status: 404,
      body: { code: 'no_result' },
    });
    expect(await post('identity/separations', body, 'huda')).toMatchObject({ status: 409, body: { code: 'already' } });
  });

  it('break the glass alone, on record; and it shows what anybody can hold against the log', async () => {
    const { status, body } = await post<Opened>(
      `entries/${entryId}/unseal`,
      { reason: secret('reason to break the glass'), breakGlass: true },
      'huda',
    );
    expect(status).toBe(200);
    // Any JOSE library opens the text with the key of the part, and nothing else with it.
    const { text, key } = body.opening.find(({ part }) => part === 'staff')!;
    const { plaintext } = await compactDecrypt(text, Buffer.from(key, 'base64url'));
    expect(JSON.parse(Buffer.from(plaintext).toString())).toEqual({ actor });
    const subject = body.opening.find(({ part }) => part === 'subject')!;
    await expect(compactDecrypt(subject.text, Buffer.from(key, 'base64url'))).rejects.toThrow();

    const folder = freshDataDir('regulator');
    const save = (name: string, content: string): string => {
      writeFileSync(join(folder, name), content);
      return join(folder, name);
    };
    const vkey = save('vkey', (await request<string>(`${server.url}/log/vkey`)).body);
    const leafOf = async (id: string): Promise<string> => {
      const response = await fetch(`${server.url}/v1/entries/${id}/leaf`, {
        headers: { authorization: `Bearer ${keys['regulator']!}` },
      });
      return save(`leaf-${id}`, await response.text());
    };
    const proof = save(
      'proof',
      (
        await eventually(
          () => get<string>(`entries/${entryId}/proof`, 'regulator'),
          (each) => each.status === 200,
        )
      ).body,
    );
    const leaf = await leafOf(entryId);
    const verify = async (opened: object): Promise<{ code: number; answer: Record<string, unknown> }> => {
      const args = ['verify', 'entry', leaf, proof, '--key', vkey, '--opened', save('opened', JSON.stringify(opened))];
      const { code, stdout } = await sijill([...args, '--json'], {});
      return { code, answer: JSON.parse(stdout) as Record<string, unknown> };
    };
    const held = await verify(body);
    expect(held).toMatchObject({ code: 0, answer: { holds: true, opened: body.sealed } });
    expect(await verify({ ...body, recipient: 'Someone Else' })).toMatchObject({ code: 1, answer: { holds: false } });
    const part = {
      entryId,
      sealed: { staff: body.sealed['staff'] },
      opening: body.opening.filter((each) => each.part === 'staff'),
    };
    expect((await verify({ ...part, destroyed: true })).answer['notCovered']).toContain(
      "that parts were destroyed, which is the ledger's word",
    );
    expect(held.answer['covers']).toEqual(
      expect.arrayContaining(['what is sealed in its part subject', 'what is sealed in its part staff']),
    );
    const other = await post<Opened>(
      `entries/${(await entriesOf(subjects[1]!))[0]!}/unseal`,
      { reason: secret('another'), breakGlass: true },
      'noura',
    );
    expect(other.status).toBe(200);
    expect(await verify({ ...other.body, entryId })).toMatchObject({ code: 1, answer: { holds: false } });
  });
  const entriesOf = async (subjectId: string): Promise<string[]> => {
    const { body } = await get<{ items: { entryId: string }[] }>(`subjects/${subjectId}/disclosures`, 'huda', 'to see');
    return body.items.map(({ entryId: id }) => id);
  };

  it('are held to so much in an hour and a day: whatever key, over a restart', async () => {
    const breakGlass = (as: string): Promise<HttpAnswer> =>
      post(`entries/${entryId}/unseal`, { reason: 'x', breakGlass: true }, as);
    expect((await breakGlass('hudas other')).status).toBe(200);
    expect((await breakGlass('huda')).status).toBe(200);
    const refused = await breakGlass('hudas other');
    expect([refused.status, Number(refused.headers.get('retry-after')) > 86_000]).toEqual([429, true]);
    // Each principal has as many of its own, and all of one name have them together.
    const statuses = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        post(`entries/${entryId}/unseal`, { reason: 'x' }, i % 2 === 0 ? 'huda' : 'hudas other').then(
          ({ status }) => status,
        ),
      ),
    );
    expect(statuses.filter((status) => status === 202)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(5);
    await stop();
    server = await startServer({ ...dual, SIJILL_CLOCK: '+30m' });
    expect((await post(`entries/${entryId}/unseal`, { reason: 'x' }, 'huda')).status).toBe(429);
  });

  it('find what nobody answered for seven days over, though no process ran meanwhile', async () => {
    const [early, late] = [await ask('noura'), await ask('noura')];
    expect((await answer(late, 'confirm', 'huda')).status).toBe(200);
    await stop();
    server = await startServer({ ...env, SIJILL_CLOCK: '+8d' });
    expect(await answer(early, 'confirm', 'huda')).toMatchObject({ status: 409, body: { code: 'expired' } });
    expect(await get(`confirmations/${early}`, 'huda')).toMatchObject({ body: { status: 'expired' } });
    expect(await get(`confirmations/${late}/result`, 'noura')).toMatchObject({
      status: 410,
      body: { code: 'too_late' },
    });
  });

  it('are not asked for any more from the start on that says so; each start has recorded it', async () => {
    const alone = await post<Opened>(`entries/${entryId}/unseal`, { reason: secret('alone') }, 'noura');
    expect(alone.body.sealed['staff']).toEqual({ actor });
    await stop();
    const store = new Sqlite(join(dataDir, 'ledger.sqlite'), { readonly: true });
    const settings = store
      .prepare(`select data from entry where type = 'sijill.settings.in_force.v1' order by position`)
      .pluck()
      .all() as string[];
    store.close();
    const recorded = settings.map((data) => (JSON.parse(data) as { dualControl: string[] }).dualControl);
    expect(recorded).toEqual([['unseal', 'separation'], ['unseal', 'separation'], []]);
  });

  it('leave what they said and what was opened in clear nowhere', () => {
    writeFileSync(join(dataDir, 'log.txt'), logs.join('\n'));
    expect(canaries.sealed.length).toBeGreaterThan(12);
    expect(found(canaries.sealed, filesBelow(dataDir))).toEqual([]);
    // That something would be found there at all: the purpose lies open.
    expect(readFileSync(join(dataDir, 'ledger.sqlite')).includes('provide_services')).toBe(true);
  });
});

describeWithKafka('two people, and a record that was not understood', (kafka) => {
  it('show its bytes as they arrived, once, to whoever asked, after somebody else has confirmed it', async () => {
    const topic = await kafka.freshTopic({ partitions: 1, prefix: 'privacy' });
    const canaries = new Canaries();
    const server = await startServer({
      SIJILL_DUAL_CONTROL: 'unseal',
      SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
      SIJILL_KAFKA_TOPICS: `${topic}=sms-platform`,
      SIJILL_KAFKA_GROUP: `group-${topic}`,
    });
    const keyOf = (name: string): Promise<string> => keyFor(server.env, name, 'officer');
    const [huda, hudasOther, noura] = [await keyOf('Huda'), await keyOf('Huda'), await keyOf('Noura')];
    // Cut JSON with what no text has in it.
    const bytes = Buffer.concat([
      Buffer.from(`{"specversion":"1.0","note":"${canaries.fresh('note', false)}`),
      Buffer.from([0xff, 0x00, 0xc3, 0x28, 0x0d, 0x0a]),
    ]);
    const producer = kafka.client().producer();
    await producer.connect();
    const headers = { 'content-type': 'application/cloudevents+json' };
    await producer.send({ topic, messages: [{ value: bytes, headers }] });
    await producer.disconnect();
    const { body: list } = await eventually(
      () => request<{ items: { entryId: string }[] }>(`${server.url}/v1/quarantine`, { key: noura, reason: 'to see' }),
      ({ body }) => body.items.length > 0,
    );
    const { entryId } = list.items[0]!;
    expect(list.items).toMatchObject([{ topic, offset: 0, size: bytes.length, reason: { code: 'invalid_utf8' } }]);

    const reason = canaries.fresh('reason', false);
    const asked = await request<{ confirmationId: string }>(`${server.url}/v1/quarantine/${entryId}/raw`, {
      key: huda,
      reason,
    });
    const { confirmationId } = asked.body;
    expect([asked.status, asked.body]).toEqual([202, { confirmationId: expect.any(String) }]);
    const confirmation = `${server.url}/v1/confirmations/${confirmationId}`;
    const fetched = (key: string): Promise<HttpAnswer> => request(`${confirmation}/result`, { key });
    const confirm = (key: string): Promise<HttpAnswer> =>
      request(`${confirmation}/confirm`, { key, body: { reason: canaries.fresh('confirming', false) } });
    const refused = (status: number, code: string): object => ({ status, body: { code } });
    for (const key of [huda, hudasOther]) expect(await confirm(key)).toMatchObject(refused(403, 'own_request'));
    expect(await fetched(huda)).toMatchObject(refused(409, 'not_confirmed'));
    expect(await confirm(noura)).toMatchObject({ status: 200, body: { status: 'confirmed', about: { entryId } } });

    expect(await fetched(noura)).toMatchObject(refused(403, 'not_yours'));
    const raw = await fetch(`${confirmation}/result`, { headers: { authorization: `Bearer ${hudasOther}` } });
    expect([raw.status, raw.headers.get('content-type')]).toEqual([200, 'application/octet-stream']);
    expect(Buffer.from(await raw.arrayBuffer())).toEqual(bytes);
    for (const key of [huda, hudasOther]) expect(await fetched(key)).toMatchObject(refused(410, 'fetched'));
    expect(await fetched(noura)).toMatchObject(refused(403, 'not_yours'));

    expect(await server.kill()).toBe(0);
    // Its bytes and what was said of it lie in clear nowhere.
    writeFileSync(join(server.dataDir, 'log.txt'), server.log());
    expect(canaries.sealed).toHaveLength(5);
    expect(found(canaries.sealed, filesBelow(server.dataDir))).toEqual([]);
  }, 120_000);
});

import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH, collected, disclosed, SINGLE } from '../support/events.js';
import { request, startServer, type TestServer } from '../support/sijill.js';

interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  errors?: { path: string; code: string; message: string }[];
  rejected?: { errors: { path: string; code: string; message: string }[] }[];
}

describe('bad input over HTTP: a clear answer, and nothing is lost or half stored', () => {
  let server: TestServer;
  let producer: string;

  beforeAll(async () => {
    server = await startServer();
    producer = await server.key('producer');
  });
  afterAll(() => server.kill());

  const post = (body: unknown, type = SINGLE) =>
    request<Problem>(`${server.url}/v1/events`, { key: producer, body, type });
  const person = (value: string) => ({ identifiers: [{ scheme: 'phone', value }] });

  it.each<[string, () => unknown, string, string]>([
    ['an unknown type', () => disclosed('+966500000001', { type: 'sijill.data.sold.v1' }), 'unknown_type', 'type'],
    [
      'an unknown version',
      () => disclosed('+966500000001', { type: 'sijill.data.disclosed.v2' }),
      'unknown_type',
      'type',
    ],
    [
      'an unknown category',
      () => disclosed('+966500000001', {}, { dataCategories: ['contact.fax'] }),
      'unknown_value',
      'data.dataCategories[0]',
    ],
    [
      'no category',
      () => disclosed('+966500000001', {}, { dataCategories: undefined }),
      'required',
      'data.dataCategories',
    ],
    ['an unknown purpose', () => disclosed('+966500000001', {}, { purpose: 'fun' }), 'unknown_value', 'data.purpose'],
    ['no purpose', () => collected('+966500000001', {}, { purpose: undefined }), 'required', 'data.purpose'],
    [
      'an unknown recipient class',
      () => disclosed('+966500000001', {}, { recipient: { id: 'x', name: 'x', class: 'friend' } }),
      'unknown_value',
      'data.recipient.class',
    ],
    [
      'no recipient class',
      () => disclosed('+966500000001', {}, { recipient: { id: 'x', name: 'x' } }),
      'required',
      'data.recipient.class',
    ],
    [
      'a phone number that is none',
      () => disclosed('+96650000'),
      'invalid_phone',
      'data.dataSubjects[0].identifiers[0].value',
    ],
    [
      'a time a day in the future',
      () => disclosed('+966500000001', { time: new Date(Date.now() + 86_400_000).toISOString() }),
      'time_in_future',
      'time',
    ],
    [
      'ten thousand data subjects',
      () => disclosed('', {}, { dataSubjects: Array.from({ length: 10_000 }, () => person('+966500000001')) }),
      'event_too_large',
      '',
    ],
    [
      'more data subjects than the limit',
      () => disclosed('', {}, { dataSubjects: Array.from({ length: 1_001 }, () => person('+966500000001')) }),
      'too_many_subjects',
      'data.dataSubjects',
    ],
    ['an unknown field', () => disclosed('+966500000001', {}, { colour: 'red' }), 'unknown_field', 'data.colour'],
    [
      'an unknown field deep inside',
      () => disclosed('+966500000001', {}, { recipient: { id: 'x', name: 'x', class: 'partner', fax: '1' } }),
      'unknown_field',
      'data.recipient.fax',
    ],
    [
      'an event of 5 MB',
      () => disclosed('+966500000001', {}, { details: 'x'.repeat(5 * 1024 * 1024) }),
      'event_too_large',
      '',
    ],
    [
      'details over 16 KiB',
      () => disclosed('+966500000001', {}, { details: { note: 'x'.repeat(16_400) } }),
      'too_long',
      'data.details',
    ],
    [
      'a number that no reader keeps',
      () => disclosed('+966500000001', {}, { details: { deep: [12345678901234567000] } }),
      'out_of_range',
      'data.details',
    ],
    [
      'a source with a phone number for a segment',
      () => disclosed('+966500000001', { source: '/sms/966500000001' }),
      'personal_data_in_envelope',
      'source',
    ],
    [
      'a source with a phone number in it',
      () => disclosed('+966500000001', { source: 'tel:+966500000001' }),
      'personal_data_in_envelope',
      'source',
    ],
    [
      'a system that is a phone number',
      () => disclosed('+966500000001', {}, { system: '+966500000001' }),
      'personal_data_in_code',
      'data.system',
    ],
    [
      'a recipient whose id is an email address and who is not said to be a person',
      () => disclosed('+966500000001', {}, { recipient: { id: 'layla@example.com', name: 'x', class: 'partner' } }),
      'personal_data_in_code',
      'data.recipient.id',
    ],
    [
      'a realm of a phone number',
      () =>
        disclosed(
          '',
          {},
          { dataSubjects: [{ identifiers: [{ scheme: 'phone', value: '+966500000001', realm: 'x' }] }] },
        ),
      'invalid_realm',
      'data.dataSubjects[0].identifiers[0].realm',
    ],
    [
      'extensions that each entry would repeat a thousand times',
      () => disclosed('+966500000001', { a: 'x'.repeat(8_000), b: 'x'.repeat(8_000), c: 'x'.repeat(8_000) }),
      'too_long',
      '',
    ],
    ['no id', () => disclosed('+966500000001', { id: undefined }), 'required', 'id'],
    ['an event that is a list', () => [1], 'wrong_type', ''],
  ])('refuses %s', async (_, make, code, path) => {
    const { status, body, headers } = await post(make());
    expect(status).toBe(422);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body.rejected?.[0]?.errors).toEqual(expect.arrayContaining([expect.objectContaining({ code, path })]));
    expect(JSON.stringify(body)).not.toMatch(/966500000001|layla@/);
  });

  it.each<[string, string | Uint8Array, string, number, string]>([
    ['truncated JSON', JSON.stringify(disclosed('+966500000002')).slice(0, 200), SINGLE, 400, 'invalid_json'],
    [
      'invalid UTF-8',
      Buffer.concat([Buffer.from('{"specversion":"1.0","id":"'), Buffer.from([0xc3, 0x28]), Buffer.from('"}')]),
      SINGLE,
      400,
      'invalid_utf8',
    ],
    ['a batch that is no list', JSON.stringify(disclosed('+966500000002')), BATCH, 400, 'wrong_type'],
  ])('refuses %s', async (_, body, type, status, code) => {
    const answer = await post(body, type);
    expect(answer.status).toBe(status);
    expect(answer.body.errors).toMatchObject([{ code }]);
    expect(JSON.stringify(answer.body)).not.toContain('966500000002');
  });

  it.each(['application/json', 'text/plain', 'application/cloudevents+json; charset=utf-16', 'application/xml'])(
    'refuses the content type %s',
    async (type) => {
      const { status, body } = await post(JSON.stringify(disclosed('+966500000003')), type);
      expect(status).toBe(415);
      expect(body.detail).toContain('application/cloudevents+json');
    },
  );

  it.each([8 * 1024 * 1024 + 1, 40 * 1024 * 1024])(
    'refuses a body of %d bytes, and its sender gets the answer',
    async (bytes) => {
      for (let i = 0; i < 5; i++) {
        const { status, body } = await post('x'.repeat(bytes));
        expect(status).toBe(413);
        expect(body.title).toBe('Content too large');
      }
    },
  );

  it('names all faults of an event at once, and takes it mended under the same id', async () => {
    const wrong = disclosed('12', { id: 'mend-me', time: '2099-01-01T00:00:00Z' });
    const refused = await post(wrong);
    expect(refused.body.rejected?.[0]?.errors.map(({ code }) => code).sort()).toEqual([
      'invalid_phone',
      'time_in_future',
    ]);
    const { status, body } = await request<{ accepted: { duplicate: boolean }[] }>(`${server.url}/v1/events`, {
      key: producer,
      body: disclosed('+966500000004', { id: 'mend-me' }),
      type: SINGLE,
    });
    expect(status).toBe(201);
    expect(body.accepted[0]!.duplicate).toBe(false);
  });

  it('logs nothing of what it refused', () => {
    expect(server.log()).not.toMatch(/966500000|layla@/);
  });
});

describe('a keyring that is missing where a ledger exists', () => {
  it('stops the start, makes no new one, and says what to do', async () => {
    const server = await startServer();
    const producer = await server.key('producer');
    await request(`${server.url}/v1/events`, { key: producer, body: disclosed('+966500000001'), type: SINGLE });
    await server.kill();
    rmSync(join(server.dataDir, 'vault', 'keyring.json'));
    await expect(startServer({ SIJILL_DATA_DIR: server.dataDir })).rejects.toThrow(
      /ended with 2[\s\S]*keyring[\s\S]*backup/,
    );
    await expect(startServer({ SIJILL_DATA_DIR: server.dataDir })).rejects.toThrow(/keyring/);
  });

  it('is required in production', async () => {
    await expect(startServer({ SIJILL_MODE: 'production' })).rejects.toThrow(/ended with 2[\s\S]*SIJILL_KEYRING_FILE/);
  });
});

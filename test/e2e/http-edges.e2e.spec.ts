import { connect } from 'node:net';
import { BATCH, collected, disclosed, SINGLE } from '../support/events.js';
import { request, sijill, startServer, type TestServer } from '../support/sijill.js';

interface Problem {
  readonly type: string;
  readonly status: number;
  readonly errors?: { path: string; code: string }[];
}

/** Sends bytes as they are and gives back what came. */
function raw(url: string, text: string): Promise<string> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    let answer = '';
    const socket = connect(Number(port), hostname, () => socket.write(text));
    socket.on('data', (chunk: Buffer) => (answer += chunk.toString()));
    socket.on('close', () => resolve(answer));
    socket.on('error', reject);
    setTimeout(() => socket.end(), 1_000);
  });
}

describe('the edges of the HTTP side', () => {
  let server: TestServer;
  let producer: string;
  let officer: string;
  let admin: string;
  let subjectId: string;

  beforeAll(async () => {
    server = await startServer();
    producer = await server.key('producer');
    officer = await server.key('officer');
    admin = await server.key('admin');
    const { body } = await request<{ accepted: { entries: { subjectId: string }[] }[] }>(`${server.url}/v1/events`, {
      key: producer,
      body: disclosed('+966500000042'),
      type: SINGLE,
    });
    subjectId = body.accepted[0]!.entries[0]!.subjectId;
  });
  afterAll(() => server.kill());

  const ask = (path: string, options: Parameters<typeof request>[1] = {}) =>
    request<Problem>(server.url + path, { key: officer, reason: 'test', ...options });

  it.each([
    ['POST', '/v1/events?foo=1', 'foo'],
    ['POST', '/v1/subjects/lookup?x=1', 'x'],
    ['GET', '/v1/entries/01a21000-0000-7000-8000-000000000000?x=1', 'x'],
    ['GET', '/v1/subjects/SUBJECT/disclosures?__proto__=1', '__proto__'],
    ['GET', '/v1/subjects/SUBJECT/disclosures?constructor=1', 'constructor'],
    ['GET', '/v1/subjects/SUBJECT/disclosures?activity=use', 'activity'],
    ['GET', '/v1/subjects/SUBJECT/activities?colour=red&limit=2', 'colour'],
  ])('%s %s: the unknown parameter is refused', async (method, path, name) => {
    const key = path.includes('events') ? producer : officer;
    const body = method === 'POST' ? { body: {}, type: path.includes('events') ? SINGLE : 'application/json' } : {};
    const answer = await ask(path.replace('SUBJECT', subjectId), { method, key, ...body });
    expect(answer.status).toBe(400);
    expect(answer.body.errors).toMatchObject([{ path: name, code: 'unknown_field' }]);
  });

  it.each(['constructor', '__proto__', 'toString'])(
    'a body with the member %s is refused, at any depth',
    async (name) => {
      for (const text of [
        `{"identifier":{"scheme":"phone","value":"+966500000042"},"reason":"r","${name}":1}`,
        `{"identifier":{"scheme":"phone","value":"+966500000042","${name}":{}},"reason":"r"}`,
      ]) {
        const response = await fetch(`${server.url}/v1/subjects/lookup`, {
          method: 'POST',
          headers: { authorization: `Bearer ${officer}`, 'content-type': 'application/json' },
          body: text,
        });
        expect([response.status, await response.json()]).toEqual([
          400,
          expect.objectContaining({ errors: [expect.objectContaining({ path: name, code: 'unknown_field' })] }),
        ]);
      }
    },
  );

  it('an event whose text says one thing twice, or what no number keeps, is refused, and its neighbours are not', async () => {
    const good = JSON.stringify(disclosed('+966500000042'));
    const twice = good.replace('"recipient":', '"recipient":{"id":"somebody-else"},"recipient":');
    const details = JSON.stringify(disclosed('+966500000042', {}, { details: { x: 1 } })).replace(
      '"x":1',
      '"x":1e-400',
    );
    const deep = `{"a":${'['.repeat(400_000)}${']'.repeat(400_000)}}`;
    const post = async (text: string, type: string): Promise<{ status: number; body: { rejected: unknown[] } }> => {
      const headers = { authorization: `Bearer ${producer}`, 'content-type': type };
      const response = await fetch(`${server.url}/v1/events`, { method: 'POST', headers, body: text });
      return { status: response.status, body: (await response.json()) as { rejected: unknown[] } };
    };
    const rejected = (index: number, path: string, code: string): unknown =>
      expect.objectContaining({ index, errors: [expect.objectContaining({ path, code })] });
    expect(await post(`[${good},${twice},${details},${deep}]`, BATCH)).toMatchObject({
      status: 201,
      body: {
        rejected: [
          rejected(1, 'data.recipient', 'duplicate_name'),
          rejected(2, 'data.details.x', 'out_of_range'),
          expect.objectContaining({ index: 3 }),
        ],
      },
    });
    expect(await post(twice, SINGLE)).toMatchObject({
      status: 422,
      body: { rejected: [rejected(0, 'data.recipient', 'duplicate_name')] },
    });
  });

  it('what is missing or of another kind is said in words of ours', async () => {
    const answer = await ask('/v1/subjects/lookup', { body: { identifier: { scheme: 'fax', value: 7 } } });
    expect(answer.body.errors).toEqual([
      { path: 'reason', code: 'required', message: 'is missing' },
      { path: 'identifier.scheme', code: 'unknown_value', message: expect.stringMatching(/^must be one of/) as string },
      { path: 'identifier.value', code: 'wrong_type', message: 'is no text' },
    ]);
  });

  it('a period in which nothing can lie is refused, and not answered with nothing', async () => {
    for (const query of ['from=2026-07-02&to=2026-07-01', 'from=2026-07-01T03:00:00%2B03:00&to=2026-07-01']) {
      const answer = await ask(`/v1/subjects/${subjectId}/disclosures?${query}`);
      expect([answer.status, answer.body.errors]).toEqual([400, [expect.objectContaining({ path: 'to' })]]);
    }
    const parameters = { subjectId, reason: 'r', from: '2026-07-02', to: '2026-07-02' };
    const order = await ask('/v1/reports', {
      body: { report: 'accounting', language: 'en', formats: ['json'], parameters },
    });
    expect([order.status, order.body.errors]).toEqual([400, [expect.objectContaining({ path: 'parameters.to' })]]);
    const args = ['--identifier', 'phone:+966500000042', '--reason', 'r', '--from', '2026-07-02', '--to', '2026-07-01'];
    const made = await sijill(['report', 'accounting', ...args, '--out', '/nowhere/report.pdf'], server.env);
    expect([made.code, made.stderr]).toEqual([2, expect.stringContaining('--to is not behind --from')]);
  });

  it('answers about people stay in no cache, and those of the log may', async () => {
    const cached = async (path: string): Promise<string | null> => {
      const headers = { authorization: `Bearer ${officer}`, 'sijill-reason': 'r' };
      return (await fetch(server.url + path, { headers })).headers.get('cache-control');
    };
    expect(await cached(`/v1/subjects/${subjectId}/disclosures`)).toBe('no-store');
    expect(await cached('/v1/subjects/nobody/disclosures')).toBe('no-store');
    expect(await cached('/health/live')).toBe('no-store');
    expect(await cached('/log/keys')).toBe('public, max-age=1');
  });

  it.each([
    ["UTF-8''%D8%B7%D9%84%D8%A8%20%D9%88%D8%B5%D9%88%D9%84", 200],
    ["utf-8'ar'%D8%B7%D9%84%D8%A8", 200],
    ["UTF-8''%D8", 400],
    ["UTF-8''", 400],
  ])('the reason %s is read by RFC 8187', async (reason, status) => {
    expect((await ask(`/v1/subjects/${subjectId}/disclosures`, { reason })).status).toBe(status);
  });

  it.each<[string, unknown, string, string]>([
    [
      'an identifier that is a list',
      { identifier: [{ scheme: 'account', value: 'x' }], reason: 'r' },
      'identifier',
      'wrong_type',
    ],
    [
      'half a surrogate pair as reason',
      { identifier: { scheme: 'account', value: 'x' }, reason: 'r\ud800' },
      'reason',
      'bad_format',
    ],
    [
      'NUL in an identifier',
      { identifier: { scheme: 'account', value: 'a\u0000' }, reason: 'r' },
      'identifier.value',
      'bad_format',
    ],
    ['no reason', { identifier: { scheme: 'account', value: 'x' } }, 'reason', 'required'],
    ['no identifier', { reason: 'r' }, 'identifier', 'required'],
    [
      'a phone that is none',
      { identifier: { scheme: 'phone', value: 'abc' }, reason: 'r' },
      'identifier.value',
      'invalid_phone',
    ],
    [
      'an email that is none',
      { identifier: { scheme: 'email', value: 'a@' }, reason: 'r' },
      'identifier.value',
      'invalid_email',
    ],
  ])('a look-up with %s is a fault of its form, not "nobody"', async (_, body, path, code) => {
    const answer = await ask('/v1/subjects/lookup', { body });
    expect([answer.status, answer.body.errors]).toEqual([400, [expect.objectContaining({ path, code })]]);
  });

  it.each([
    ['limit=abc', 'limit', 'wrong_type'],
    ['recipient=%00', 'recipient', 'bad_format'],
    [`cursor=${Buffer.from('["\\u0000","b","c"]').toString('base64url')}`, 'cursor', 'bad_format'],
    ['from=2026-06-02T24:00:00Z', 'from', 'bad_format'],
    ['to=9999-12-31T23:59:59-23:59', 'to', 'bad_format'],
  ])('the query %s is refused', async (query, path, code) => {
    const answer = await ask(`/v1/subjects/${subjectId}/disclosures?${query}`);
    expect([answer.status, answer.body.errors]).toEqual([400, [expect.objectContaining({ path, code })]]);
  });

  it.each([1e300, 1.5, -0.1])('a cursor that names position %d is refused', async (position) => {
    const cursor = Buffer.from(JSON.stringify([position])).toString('base64url');
    expect((await ask(`/v1/duplicates?cursor=${cursor}`, { key: admin })).status).toBe(400);
    expect((await ask(`/v1/quarantine?cursor=${cursor}`, { key: admin })).status).toBe(400);
  });

  it('takes a subject id in either case, everywhere', async () => {
    const upper = subjectId.toUpperCase();
    expect((await ask(`/v1/subjects/${upper}/disclosures`)).status).toBe(200);
    const body = { report: 'accounting', parameters: { subjectId: upper, reason: 'r' }, formats: ['json'] };
    expect((await ask('/v1/reports', { body })).status).toBe(202);
    const wrong = { ...body, parameters: { subjectId, reason: 'r', from: '2026-02-31' } };
    expect((await ask('/v1/reports', { body: wrong })).body.errors).toMatchObject([{ path: 'parameters.from' }]);
  });

  it('answers with a problem of the same form, whatever was wrong, and quotes none of it', async () => {
    const long = `/v1/entries/${'9665000000'.repeat(500)}`;
    for (const [path, status] of [
      ['/v1/entries/%zz966500000042', 400],
      [long, 404],
      ['/nowhere/966500000042', 404],
    ] as const) {
      const answer = await ask(path);
      expect([path.slice(0, 30), answer.status]).toEqual([path.slice(0, 30), status]);
      expect(answer.headers.get('content-type')).toContain('application/problem+json');
      expect(JSON.stringify(answer.body)).not.toContain('9665000000');
    }
    const gzip = await fetch(`${server.url}/v1/events`, {
      method: 'POST',
      headers: { authorization: `Bearer ${producer}`, 'content-type': SINGLE, 'content-encoding': 'gzip' },
      body: 'x',
    });
    expect([gzip.status, gzip.headers.get('content-type')]).toEqual([415, expect.stringContaining('problem+json')]);
    const form = await ask('/v1/subjects/lookup', { body: 'reason=x', type: 'application/x-www-form-urlencoded' });
    expect([form.status, form.body.type]).toEqual([415, 'urn:sijill:problem:unsupported-media-type']);
    const headers = await raw(
      server.url,
      `GET /health/live HTTP/1.1\r\nHost: x\r\nX-Large: ${'x'.repeat(20_000)}\r\n\r\n`,
    );
    expect(headers).toMatch(/^HTTP\/1\.1 431 [\s\S]*application\/problem\+json/);
    expect(await raw(server.url, 'NONSENSE\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 [\s\S]*application\/problem\+json/);
  });

  it('judges JSON bodies as bytes: what is no UTF-8 is not mended, and an empty one is none', async () => {
    const body = Buffer.concat([
      Buffer.from('{"identifier":{"scheme":"account","value":"'),
      Buffer.from([0xe9]),
      Buffer.from('"},"reason":"r"}'),
    ]);
    expect((await ask('/v1/subjects/lookup', { body })).body.errors).toMatchObject([{ code: 'invalid_utf8' }]);
    const replay = await fetch(`${server.url}/v1/quarantine/01a21000-0000-7000-8000-000000000000/replay`, {
      method: 'POST',
      headers: { authorization: `Bearer ${admin}`, 'content-type': 'application/json' },
    });
    expect(replay.status).toBe(404);
  });

  it('a batch with an event that cannot be kept has the others stored', async () => {
    const events = [disclosed('+966500000051'), disclosed('+966500000052', {}, { details: { n: 1 } })];
    const body = JSON.stringify(events).replace('"n":1', '"n":1e400');
    const answer = await request<{ accepted: { index: number }[]; rejected: { index: number }[] }>(
      `${server.url}/v1/events`,
      {
        key: producer,
        body,
        type: BATCH,
      },
    );
    expect(answer).toMatchObject({ status: 201, body: { accepted: [{ index: 0 }], rejected: [{ index: 1 }] } });
  });

  it('shows every field of an activity, null where it was not given, and the notice’s own entry id', async () => {
    const phone = '+966500000060';
    const post = async (event: object): Promise<string> =>
      (
        await request<{ accepted: { entries: { entryId: string }[] }[] }>(`${server.url}/v1/events`, {
          key: producer,
          body: event,
          type: SINGLE,
        })
      ).body.accepted[0]!.entries[0]!.entryId;
    const bare = { method: undefined, ground: undefined, occasion: undefined, minimumNecessary: undefined };
    const disclosure = await post(disclosed(phone, {}, { ...bare, request: { reference: '12/7' } }));
    await post(collected(phone, {}, { origin: undefined, mandatory: undefined }));
    const { dataSubjects, recipient } = disclosed(phone)['data'] as Record<string, unknown>;
    const notice = await post({
      ...disclosed(phone, { type: 'sijill.recipient.notified.v1' }),
      data: { dataSubjects, recipient, entryId: disclosure, change: 'correction' },
    });
    const { body: found } = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
      key: officer,
      body: { identifier: { scheme: 'phone', value: phone }, reason: 'test' },
    });
    const { body } = await request<{ items: Record<string, unknown>[] }>(
      `${server.url}/v1/subjects/${found.subjectId}/activities`,
      { key: officer, reason: 'test' },
    );
    const of = (type: string) => body.items.find((item) => item['type'] === type)!;
    expect(of('sijill.recipient.notified.v1')).toMatchObject({
      entryId: notice,
      aboutEntryId: disclosure,
      change: 'correction',
    });
    expect(of('sijill.data.disclosed.v1')).toMatchObject({
      entryId: disclosure,
      ground: null,
      method: null,
      occasion: null,
      minimumNecessary: null,
      transferBasis: null,
      request: { reference: '12/7', sha256: null },
      evidence: null,
    });
    expect(of('sijill.data.collected.v1')).toMatchObject({ origin: null, mandatory: null, noticeVersion: null });
  });

  it('describes its queries and problems in the OpenAPI document', async () => {
    interface Operation {
      parameters?: { name: string; in: string }[];
      responses: Record<string, { content?: Record<string, unknown>; headers?: object }>;
      requestBody?: { content: Record<string, { schema: object }> };
    }
    const { body } = await request<{ paths: Record<string, Record<string, Operation>> }>(`${server.url}/openapi.json`);
    const names = (path: string): string[] =>
      (body.paths[path]!['get']!.parameters ?? [])
        .filter((parameter) => parameter.in === 'query')
        .map(({ name }) => name);
    expect(names('/v1/subjects/{subjectId}/disclosures').sort()).toEqual(
      [
        ...[
          'category',
          'cursor',
          'from',
          'ground',
          'limit',
          'linked',
          'onBehalfOf',
          'producer',
          'purpose',
          'recipient',
        ],
        ...['recipientClass', 'to', 'verdict'],
      ].sort(),
    );
    expect(names('/v1/subjects/{subjectId}/activities')).toContain('activity');
    expect(names('/v1/duplicates').sort()).toEqual(['cursor', 'limit']);
    const events = body.paths['/v1/events']!['post']!;
    expect(Object.keys(events.responses).sort()).toEqual(['201', '400', '401', '403', '413', '415', '422', '503']);
    expect(Object.keys(events.responses['422']!.content!)).toEqual(['application/problem+json']);
    expect(events.requestBody!.content).toMatchObject({
      [SINGLE]: { schema: { $ref: '#/components/schemas/Event' } },
      [BATCH]: { schema: { type: 'array' } },
    });
    expect(body.paths['/v1/reports']!['post']!.responses['202']!.headers).toHaveProperty('Location');
  });

  it('tells a command’s reader the same: what is none was never looked for, and a day that is none is no day', async () => {
    const history = await sijill(['history', '--identifier', 'phone:123', '--reason', 'x', '--json'], server.env);
    expect(history).toMatchObject({ code: 2, stdout: '' });
    const report = [
      'report',
      'accounting',
      '--identifier',
      'phone:+966500000042',
      '--reason',
      'x',
      '--out',
      '/dev/null',
    ];
    expect((await sijill([...report, '--from', '2026-02-31'], server.env)).code).toBe(2);
    const doctor = await sijill(['doctor', '--json'], { SIJILL_DATA_DIR: '/dev/null/x' });
    expect(doctor.code).toBe(3);
    expect(doctor.stdout).toContain('data directory');
  });
});

describe('a server that is told to stop', () => {
  it('finishes what it has begun, and tells who comes late what to do, in the same form', async () => {
    const server = await startServer();
    const producer = await server.key('producer');
    const officer = await server.key('officer');
    const outcomes: { status: number; type: string | null }[] = [];
    let going = true;
    const senders = Array.from({ length: 4 }, async (_, sender) => {
      for (let i = 0; going; i++) {
        try {
          const { status, headers } = await request(`${server.url}/v1/events`, {
            key: producer,
            body: Array.from({ length: 50 }, (__, k) => disclosed('+966500000042', { id: `${sender}-${i}-${k}` })),
            type: BATCH,
          });
          outcomes.push({ status, type: headers.get('content-type') });
        } catch {
          return;
        }
      }
    });
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect(await server.kill()).toBe(0);
    going = false;
    await Promise.all(senders);
    const accepted = outcomes.filter(({ status }) => status === 201).length * 50;
    expect(accepted).toBeGreaterThan(0);
    for (const { status, type } of outcomes.filter(({ status }) => status !== 201)) {
      expect([status, type]).toEqual([503, expect.stringContaining('application/problem+json')]);
    }
    const again = await startServer(server.env);
    const { body } = await request<{ subjectId: string }>(`${again.url}/v1/subjects/lookup`, {
      key: officer,
      body: { identifier: { scheme: 'phone', value: '+966500000042' }, reason: 'test' },
    });
    let stored = 0;
    for (let cursor: string | null = ''; cursor !== null;) {
      const page: { body: { items: unknown[]; next: string | null } } = await request(
        `${again.url}/v1/subjects/${body.subjectId}/disclosures?limit=500${cursor === '' ? '' : `&cursor=${cursor}`}`,
        { key: officer, reason: 'test' },
      );
      stored += page.body.items.length;
      cursor = page.body.next;
    }
    expect(stored).toBeGreaterThanOrEqual(accepted);
    await again.kill();
  });
});

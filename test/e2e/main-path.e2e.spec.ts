import { createHash } from 'node:crypto';
import { BATCH, collected, disclosed, SINGLE } from '../support/events.js';
import { eventually, request, startServer, type TestServer } from '../support/sijill.js';

interface Intake {
  accepted: {
    index: number;
    source: string;
    id: string;
    duplicate: boolean;
    entries: { entryId: string; subjectId: string }[];
  }[];
  rejected: {
    index: number;
    source: string | null;
    id: string | null;
    errors: { path: string; code: string; message: string }[];
  }[];
}
interface Listing<T = Record<string, unknown>> {
  items: T[];
  next: string | null;
  asOf: { position: number; time: string };
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

describe('events in, history and reports out, over HTTP', () => {
  let server: TestServer;
  let producer: string;
  let officer: string;
  let regulator: string;
  let admin: string;

  beforeAll(async () => {
    server = await startServer();
    producer = await server.key('producer');
    officer = await server.key('officer');
    regulator = await server.key('regulator');
    admin = await server.key('admin');
  });
  afterAll(async () => {
    expect(await server.kill()).toBe(0);
  });

  const post = (body: unknown, type = SINGLE, key = producer) =>
    request<Intake>(`${server.url}/v1/events`, { key, body, type });
  const lookUp = async (value: string, scheme = 'phone'): Promise<string> => {
    const { status, body } = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
      key: officer,
      body: { identifier: { scheme, value }, reason: 'test' },
    });
    expect(status).toBe(200);
    return body.subjectId;
  };
  const disclosures = (subjectId: string, query = '', key = officer) =>
    request<Listing>(`${server.url}/v1/subjects/${subjectId}/disclosures${query}`, { key, reason: 'test' });

  it('answers with the entries made, and shows them at once to whoever asks', async () => {
    const event = disclosed('+966500000042', {
      sequence: '1042',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      myext: 'abc',
    });
    const { status, body, headers } = await post(event);
    expect(status).toBe(201);
    expect(body.rejected).toEqual([]);
    expect(body.accepted).toMatchObject([{ index: 0, source: '/sms/gateway', id: event['id'], duplicate: false }]);
    const [{ entryId, subjectId }] = body.accepted[0]!.entries as [{ entryId: string; subjectId: string }];
    expect(entryId).toMatch(uuid);
    expect(subjectId).toMatch(uuid);

    expect(await lookUp('٠٥٠ ٠٠٠ ٠٠٤٢')).toBe(subjectId);
    const history = await disclosures(subjectId);
    expect(history.status).toBe(200);
    expect(history.body.items).toEqual([
      {
        entryId,
        subjectId,
        occurredAt: '2026-07-01T09:15:02.114Z',
        recordedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
        recipient: {
          id: 'carrier-najd',
          name: 'Najd Mobile',
          kind: 'organization',
          class: 'service_provider',
          capacity: 'processor',
          country: 'SA',
          contact: null,
          reference: null,
        },
        dataCategories: ['contact.phone', 'message.content'],
        purpose: 'provide_services',
        legalBasis: 'contract',
        ground: 'service',
        method: 'api',
        occasion: 'recurring',
        request: null,
        minimumNecessary: true,
        effectOnOthers: null,
        transferBasis: null,
        policyVersion: '2026-06',
        producer: 'producer',
        onBehalfOf: null,
        system: 'gateway-3',
        processingActivity: null,
        source: '/sms/gateway',
        eventId: event['id'],
        standing: 'first',
        verdict: null,
        clauses: [],
        notices: [],
        sealed: 'closed',
      },
    ]);
    expect(history.headers.get('sijill-position')).toBe(String(history.body.asOf.position));
    expect(Number(headers.get('sijill-position'))).toBeGreaterThan(0);

    const entry = await request<{ data: Record<string, unknown>; metadata: Record<string, unknown>; sealed: string }>(
      `${server.url}/v1/entries/${entryId}`,
      { key: regulator },
    );
    expect(entry.status).toBe(200);
    expect(entry.body.sealed).toBe('closed');
    expect(entry.body.metadata).toMatchObject({
      format: 2,
      sequence: '1042',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
      source: '/sms/gateway',
      producer: 'producer',
    });
    expect(JSON.stringify(entry.body)).not.toMatch(/966500000042|router/);
  });

  it('judges a batch event by event', async () => {
    const good = disclosed('+966500000043');
    const { status, body } = await post(
      [good, disclosed('123'), 'no event', { ...disclosed('+966500000043'), type: 'sijill.data.disclosed.v9' }],
      BATCH,
    );
    expect(status).toBe(201);
    expect(body.accepted.map(({ index }) => index)).toEqual([0]);
    expect(body.rejected.map(({ index }) => index)).toEqual([1, 2, 3]);
    expect(body.rejected[0]!.errors).toMatchObject([
      { path: 'data.dataSubjects[0].identifiers[0].value', code: 'invalid_phone' },
    ]);
    expect(body.rejected[2]!.errors[0]).toMatchObject({ path: 'type' });
    expect(JSON.stringify(body.rejected)).not.toContain('123"');
  });

  it('makes one entry for each subject, and one for a person named twice', async () => {
    const person = (value: string, scheme = 'phone') => ({ identifiers: [{ scheme, value }] });
    const { body } = await post(
      disclosed(
        '',
        {},
        {
          dataSubjects: [
            {
              identifiers: [
                { scheme: 'phone', value: '+966500000101' },
                { scheme: 'email', value: 'Layla@Example.com' },
              ],
              role: 'user',
            },
            person('0500000101'),
            person('layla@example.com', 'email'),
            person('+966500000102'),
          ],
        },
      ),
    );
    expect(body.accepted[0]!.entries).toHaveLength(2);
    expect(await lookUp('layla@EXAMPLE.com', 'email')).toBe(body.accepted[0]!.entries[0]!.subjectId);
    const other = await disclosures(body.accepted[0]!.entries[1]!.subjectId);
    expect(other.body.items).toHaveLength(1);
    expect(JSON.stringify(other.body)).not.toContain(body.accepted[0]!.entries[0]!.subjectId);
  });

  it('keeps a repeat and a conflict, counts the first, and lists the others', async () => {
    const event = disclosed('+966500000200');
    const first = await post(event);
    const repeat = await post({
      ...event,
      data: Object.fromEntries(Object.entries(event['data'] as object).reverse()),
    });
    const conflict = await post({ ...event, data: { ...(event['data'] as object), purpose: 'audit' } });
    expect([first, repeat, conflict].map(({ body }) => body.accepted[0]!.duplicate)).toEqual([false, true, true]);
    const ids = [first, repeat, conflict].map(({ body }) => body.accepted[0]!.entries[0]!.entryId);
    const history = await disclosures(first.body.accepted[0]!.entries[0]!.subjectId);
    // A conflict happened too, and is told as what it is; a repeat is nothing new.
    expect(history.body.items.map((item) => [item['entryId'], item['standing'], item['purpose']])).toEqual([
      [ids[2], 'conflict', 'audit'],
      [ids[0], 'first', 'provide_services'],
    ]);

    const listed = (key: string, reason?: string) =>
      request<Listing>(`${server.url}/v1/duplicates?limit=2`, { key, ...(reason === undefined ? {} : { reason }) });
    expect((await listed(officer, 'test')).body.items).toMatchObject([
      { kind: 'conflict', entryId: ids[2], firstEntryId: ids[0], source: '/sms/gateway', eventId: event['id'] },
      { kind: 'repeat', entryId: ids[1], firstEntryId: ids[0], producer: 'producer', eventId: event['id'] },
    ]);
    // An admin reads nobody's data.
    expect((await listed(admin)).body.items).toMatchObject([{ eventId: null }, { eventId: null }]);
    expect((await request(`${server.url}/v1/entries/${ids[2]}`, { key: officer })).status).toBe(200);
  });

  it('tells a repeat within one batch too', async () => {
    const event = disclosed('+966500000201');
    const { body } = await post([event, event], BATCH);
    expect(body.accepted.map(({ duplicate }) => duplicate)).toEqual([false, true]);
  });

  it('pages newest first, ties included, while entries arrive', async () => {
    const phone = '+966500000300';
    const at = (minute: number): string => `2026-07-02T10:${String(minute).padStart(2, '0')}:00Z`;
    await post(
      [...Array(25).keys()].map((i) => disclosed(phone, { time: at(Math.floor(i / 3)) })),
      BATCH,
    );
    const subjectId = await lookUp(phone);
    const seen: Record<string, unknown>[] = [];
    let cursor: string | null = null;
    do {
      const page: { body: Listing } = await disclosures(
        subjectId,
        `?limit=4${cursor === null ? '' : `&cursor=${cursor}`}`,
      );
      seen.push(...page.body.items);
      cursor = page.body.next;
      await post(disclosed(phone, { time: at(59) }));
    } while (cursor !== null);
    expect(seen).toHaveLength(25);
    expect(new Set(seen.map((item) => item['entryId'])).size).toBe(25);
    const keys = seen.map(
      (item) => `${String(item['occurredAt'])} ${String(item['recordedAt'])} ${String(item['entryId'])}`,
    );
    expect(keys).toEqual([...keys].sort().reverse());
  });

  it('filters: one parameter twice means "or", different ones mean "and"', async () => {
    const phone = '+966500000400';
    const to = (id: string, recipientClass: string) => ({ recipient: { id, name: id, class: recipientClass } });
    await post(
      [
        disclosed(
          phone,
          { time: '2026-07-01T00:00:00Z' },
          { ...to('a', 'partner'), purpose: 'marketing', dataCategories: ['contact.email'] },
        ),
        disclosed(phone, { time: '2026-07-02T00:00:00Z' }, { ...to('b', 'authority'), purpose: 'audit' }),
        disclosed(phone, { time: '2026-07-03T00:00:00Z' }, to('c', 'partner')),
      ],
      BATCH,
    );
    await post(collected(phone));
    const subjectId = await lookUp(phone);
    const found = async (query: string): Promise<string> => {
      const { body, status } = await disclosures(subjectId, query);
      expect(status).toBe(200);
      return body.items.map((item) => (item['recipient'] as { id: string }).id).join('');
    };
    expect(await found('')).toBe('cba');
    expect(await found('?recipient=a&recipient=c')).toBe('ca');
    expect(await found('?recipientClass=partner&purpose=marketing')).toBe('a');
    expect(await found('?category=contact.email')).toBe('a');
    expect(await found('?from=2026-07-02T00:00:00Z&to=2026-07-03T00:00:00Z')).toBe('b');
    expect(await found('?from=2026-07-02')).toBe('cb');
    const timeline = await request<Listing>(`${server.url}/v1/subjects/${subjectId}/activities?activity=collection`, {
      key: officer,
      reason: 'test',
    });
    expect(timeline.body.items).toMatchObject([
      {
        activity: 'collection',
        type: 'sijill.data.collected.v1',
        origin: 'subject',
        mandatory: true,
        role: 'message_recipient',
      },
    ]);
    const whole = await request<Listing>(`${server.url}/v1/subjects/${subjectId}/activities`, {
      key: officer,
      reason: 'test',
    });
    expect(whole.body.items).toHaveLength(4);
  });

  it.each([
    ['?limit=0', 'limit'],
    ['?limit=501', 'limit'],
    ['?limit=abc', 'limit'],
    ['?colour=red', 'colour'],
    ['?from=yesterday', 'from'],
    ['?from=2026-02-30', 'from'],
    ['?cursor=bogus', 'cursor'],
    ['?purpose=unheard_of', 'purpose'],
  ])('refuses the query %s, naming %s', async (query, path) => {
    const subjectId = await lookUp('+966500000042');
    const { status, body, headers } = await request<{ errors: { path: string }[] }>(
      `${server.url}/v1/subjects/${subjectId}/disclosures${query}`,
      { key: officer, reason: 'test' },
    );
    expect(status).toBe(400);
    expect(headers.get('content-type')).toContain('application/problem+json');
    expect(body.errors[0]?.path).toBe(path);
  });

  it('needs a reason, and leaves an entry for every look-up', async () => {
    const subjectId = await lookUp('+966500000042');
    const without = await request(`${server.url}/v1/subjects/${subjectId}/disclosures`, { key: officer });
    expect(without.status).toBe(400);
    const blank = await request(`${server.url}/v1/subjects/lookup`, {
      key: officer,
      body: { identifier: { scheme: 'phone', value: '+966500000042' }, reason: ' ' },
    });
    expect(blank.status).toBe(400);
    const before = Number((await disclosures(subjectId)).headers.get('sijill-position'));
    await eventually(
      async () => (await disclosures(subjectId)).body.asOf.position,
      (position) => position > before,
    );
  });

  it('waits for a position that the reader names, and says so when it does not get there', async () => {
    const posted = await post(disclosed('+966500000450'));
    const position = posted.headers.get('sijill-position')!;
    const subjectId = posted.body.accepted[0]!.entries[0]!.subjectId;
    const ask = async (value: string): Promise<{ status: number; body: { items?: unknown[]; errors?: unknown[] } }> => {
      const response = await fetch(`${server.url}/v1/subjects/${subjectId}/disclosures`, {
        headers: { authorization: `Bearer ${officer}`, 'sijill-reason': 'test', 'sijill-position': value },
      });
      return { status: response.status, body: (await response.json()) as { items?: unknown[] } };
    };
    expect(await ask(position)).toMatchObject({ status: 200, body: { items: [{}] } });
    expect(await ask('soon')).toMatchObject({ status: 400, body: { errors: [{ path: 'Sijill-Position' }] } });
    expect((await ask(String(Number(position) + 1_000_000))).status).toBe(503);
  });

  it('knows the difference between nobody and nothing', async () => {
    const nobody = await request(`${server.url}/v1/subjects/lookup`, {
      key: officer,
      body: { identifier: { scheme: 'phone', value: '+966500009999' }, reason: 'test' },
    });
    expect(nobody.status).toBe(404);
    expect((await disclosures('0190c9a4-0000-4000-8000-000000000000')).status).toBe(404);
    expect((await disclosures('nonsense')).status).toBe(404);
    expect(
      (await request(`${server.url}/v1/entries/0190c9a4-0000-7000-8000-000000000000`, { key: officer })).status,
    ).toBe(404);
    await post(collected('+966500000500'));
    const { status, body } = await disclosures(await lookUp('+966500000500'));
    expect(status).toBe(200);
    expect(body).toMatchObject({ items: [], next: null });
  });

  it('lets in only who may come in', async () => {
    const subjectId = await lookUp('+966500000042');
    const paths: [string, string[]][] = [
      [`/v1/subjects/${subjectId}/disclosures`, [officer, regulator]],
      [`/v1/subjects/${subjectId}/activities`, [officer]],
      ['/v1/quarantine', [admin, officer]],
      ['/v1/duplicates', [admin, officer]],
      ['/v1/producers', [admin]],
      ['/v1/identity/conflicts', [officer]],
    ];
    for (const [path, allowed] of paths) {
      for (const key of [producer, officer, regulator, admin]) {
        const { status } = await request(server.url + path, { key, reason: 'test' });
        expect([path, status]).toEqual([path, allowed.includes(key) ? 200 : 403]);
      }
      const anonymous = await request(server.url + path);
      expect(anonymous.status).toBe(401);
      expect(anonymous.headers.get('www-authenticate')).toBe('Bearer');
      expect(
        (await request(server.url + path, { key: 'sijill_k000000000000_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA' }))
          .status,
      ).toBe(401);
    }
    expect((await post(disclosed('+966500000042'), SINGLE, officer)).status).toBe(403);
  });

  it('describes itself', async () => {
    const openApi = await request<{
      openapi: string;
      paths: Record<string, unknown>;
      components: { schemas: Record<string, unknown> };
    }>(`${server.url}/openapi.json`);
    expect(openApi.status).toBe(200);
    expect(Object.keys(openApi.body.paths)).toEqual(
      expect.arrayContaining([
        '/v1/events',
        '/v1/subjects/lookup',
        '/v1/subjects/{subjectId}/disclosures',
        '/v1/reports',
        '/v1/quarantine/{entryId}/replay',
      ]),
    );
    const known = new Set(Object.keys(openApi.body.components.schemas));
    const missing = [...JSON.stringify(openApi.body).matchAll(/#\/components\/schemas\/([^"]+)"/g)]
      .map(([, name]) => name!)
      .filter((name) => !known.has(name));
    expect([...new Set(missing)]).toEqual([]);
    expect((await request(`${server.url}/asyncapi.json`)).status).toBe(200);
    expect((await request(`${server.url}/docs`)).status).toBe(200);
    expect((await request(`${server.url}/health/live`)).status).toBe(200);
    expect((await request<{ status: string }>(`${server.url}/health/ready`)).body.status).toBe('ready');
    expect(String((await request(`${server.url}/metrics`)).body)).toContain('sijill_events_accepted_total{via="http"}');
    expect((await request(`${server.url}/nowhere`)).status).toBe(404);
  });

  it('makes a report, the same in every format', async () => {
    const phone = '+966500000600';
    await post(
      [
        disclosed(phone),
        disclosed(
          phone,
          {},
          { recipient: { id: 'court', name: '=HYPERLINK("x")', class: 'authority' }, request: { reference: '12/7' } },
        ),
      ],
      BATCH,
    );
    const order = {
      report: 'accounting',
      parameters: { identifier: { scheme: 'phone', value: phone }, reason: 'access request 17' },
      language: 'ar',
      formats: ['pdf', 'csv', 'json'],
    };
    const ordered = await request<{ id: string }>(`${server.url}/v1/reports`, { key: officer, body: order });
    expect(ordered.status).toBe(202);
    const location = ordered.headers.get('location')!;
    expect(location).toBe(`/v1/reports/${ordered.body.id}`);
    interface Report {
      status: string;
      error: string | null;
      files: { name: string; mediaType: string; size: number; sha256: string }[];
    }
    const { body: report } = await eventually(
      () => request<Report>(server.url + location, { key: officer }),
      ({ body }) => body.status === 'done' || body.status === 'failed',
    );
    expect(report.error).toBeNull();
    expect(report.files.map(({ mediaType }) => mediaType.split(';')[0])).toEqual([
      'application/pdf',
      'text/csv',
      'application/json',
      'application/vnd.sijill.accounting-proof+gzip',
    ]);
    const files = new Map<string, Buffer>();
    for (const { name, mediaType, size, sha256 } of report.files) {
      const response = await fetch(`${server.url}${location}/files/${name}`, {
        headers: { authorization: `Bearer ${officer}` },
      });
      const bytes = Buffer.from(await response.arrayBuffer());
      expect(bytes.length).toBe(size);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(sha256);
      files.set(mediaType.split(';')[0]!, bytes);
    }
    const json = JSON.parse(files.get('application/json')!.toString()) as {
      totals: { entries: number };
      subject: { identifiers: unknown };
      disclosures: unknown[];
    };
    expect(json.totals.entries).toBe(2);
    expect(json.subject.identifiers).toMatchObject([{ scheme: 'phone', realm: null, value: phone }]);
    expect(json.disclosures).toEqual((await disclosures(await lookUp(phone))).body.items);
    const csv = files.get('text/csv')!.toString();
    expect(csv.trim().split('\r\n')).toHaveLength(3);
    expect(csv).toContain(`"'=HYPERLINK(""x"")"`);
    expect(files.get('application/pdf')!.subarray(0, 5).toString()).toBe('%PDF-');
    const unknown = await request(`${server.url}/v1/reports`, {
      key: officer,
      body: { ...order, parameters: { identifier: { scheme: 'phone', value: '+966500009998' }, reason: 'x' } },
    });
    expect(unknown.status).toBe(404);
    const wrong = await request(`${server.url}/v1/reports`, { key: officer, body: { ...order, formats: ['docx'] } });
    expect(wrong.status).toBe(400);
  });

  it('refuses a second server on the same data', async () => {
    await expect(startServer({ SIJILL_DATA_DIR: server.dataDir })).rejects.toThrow(/runs on .* already/);
  });
});

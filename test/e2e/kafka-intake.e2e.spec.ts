import { CompressionTypes, type Producer } from 'kafkajs';
import { kafkaLane } from '@sijill/event-store';
import { disclosed } from '../support/events.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { clusterOf } from '../support/kafka/kafka-ledger.js';
import { eventually, request, startServer, type TestServer } from '../support/sijill.js';

interface Quarantined {
  entryId: string;
  lane: string;
  topic: string;
  partition: number;
  offset: number;
  reason: { code: string; message: string };
  size: number;
  source: string | null;
  eventId: string | null;
  replayedAs: string | null;
}

describeWithKafka('intake over Kafka', (kafka) => {
  let topic: string;
  let server: TestServer;
  let producer: Producer;
  let officer: string;
  let admin: string;

  const structured = { 'content-type': 'application/cloudevents+json' };
  const send = (...messages: { value: string | Buffer | null; headers?: Record<string, string>; key?: string }[]) =>
    producer.send({ topic, messages: messages.map((message) => ({ ...message, partition: 0 })) });
  const quarantine = async (): Promise<Quarantined[]> =>
    (await request<{ items: Quarantined[] }>(`${server.url}/v1/quarantine?limit=500`, { key: officer, reason: 'test' }))
      .body.items;
  const lookUp = (value: string) =>
    request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
      key: officer,
      body: { identifier: { scheme: 'phone', value }, reason: 'test' },
    });
  const history = async (phone: string): Promise<Record<string, unknown>[]> => {
    const { body } = await lookUp(phone);
    const answer = await request<{ items: Record<string, unknown>[] }>(
      `${server.url}/v1/subjects/${body.subjectId}/disclosures`,
      { key: officer, reason: 'test' },
    );
    return answer.body.items;
  };
  const found = (phone: string, count = 1) =>
    eventually(
      async () => ((await lookUp(phone)).status === 200 ? history(phone) : []),
      (items) => items.length === count,
    );

  beforeAll(async () => {
    topic = await kafka.freshTopic({ partitions: 1, prefix: 'privacy' });
    server = await startServer({
      SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
      SIJILL_KAFKA_TOPICS: `${topic}=sms-platform`,
      SIJILL_KAFKA_GROUP: `group-${topic}`,
      SIJILL_MAX_DATA_SUBJECTS: '50',
    });
    officer = await server.key('officer');
    admin = await server.key('admin');
    producer = kafka.client().producer();
    await producer.connect();
  });
  afterAll(async () => {
    await producer.disconnect();
    expect(await server.kill()).toBe(0);
  });

  it("reads structured and binary mode, names the topic's owner, and tells the place of each record", async () => {
    const event = disclosed('+966500000701', { myext: 'kept' });
    const { data, ...attributes } = disclosed('+966500000702', { myext: 'kept' });
    const { datacontenttype: _, ...named } = attributes;
    const ce = Object.fromEntries(Object.entries(named).map(([name, value]) => [`ce_${name}`, String(value)]));
    await send(
      { value: JSON.stringify(event), headers: structured },
      { value: JSON.stringify(data), headers: { ...ce, 'content-type': 'application/json' } },
    );
    for (const phone of ['+966500000701', '+966500000702']) {
      const [item] = await found(phone);
      expect(item).toMatchObject({
        producer: 'sms-platform',
        source: '/sms/gateway',
        occurredAt: '2026-07-01T09:15:02.114Z',
      });
      const entry = await request<{ metadata: Record<string, unknown> }>(
        `${server.url}/v1/entries/${String(item!['entryId'])}`,
        { key: officer },
      );
      expect(entry.body.metadata).toMatchObject({
        principal: `topic/${topic}`,
        kafka: {
          cluster: await clusterOf(kafka.client()),
          topic,
          partition: 0,
          timestamp: expect.any(Number) as number,
        },
      });
      expect(JSON.stringify(entry.body)).not.toContain('kept');
    }
  });

  it('puts what it cannot understand in quarantine, in its place, and goes on', async () => {
    const before = (await quarantine()).length;
    const future = { ...disclosed('+966500000703'), time: new Date(Date.now() + 86_400_000).toISOString() };
    const large = Buffer.alloc(900 * 1024, 'x');
    const bad: [Parameters<typeof send>[0], string][] = [
      [{ value: '{"specversion":"1.0","id":', headers: structured }, 'invalid_json'],
      [{ value: Buffer.from([0x22, 0xc3, 0x28, 0x22]), headers: structured }, 'invalid_utf8'],
      [{ value: null, headers: structured }, 'no_value'],
      [
        { value: JSON.stringify(disclosed('+966500000703')), headers: { 'content-type': 'text/plain' } },
        'not_a_cloudevent',
      ],
      [{ value: JSON.stringify(disclosed('+966500000703')) }, 'not_a_cloudevent'],
      [
        { value: JSON.stringify(disclosed('+966500000703', { type: 'sijill.data.sold.v1' })), headers: structured },
        'unknown_type',
      ],
      [{ value: JSON.stringify(disclosed('not a phone')), headers: structured }, 'invalid_phone'],
      [{ value: JSON.stringify(future), headers: structured }, 'time_in_future'],
      [{ value: large, headers: structured }, 'event_too_large'],
      [
        {
          value: JSON.stringify(
            disclosed(
              '+966500000703',
              {},
              {
                dataSubjects: Array.from({ length: 51 }, () => ({
                  identifiers: [{ scheme: 'phone', value: '+966500000703' }],
                })),
              },
            ),
          ),
          headers: structured,
        },
        'too_many_subjects',
      ],
    ];
    await send(...bad.map(([message]) => message), {
      value: JSON.stringify(disclosed('+966500000704')),
      headers: structured,
    });
    await found('+966500000704');
    const items = (await quarantine()).slice(0, bad.length).reverse();
    expect((await quarantine()).length - before).toBe(bad.length);
    expect(items.map(({ reason }) => reason.code)).toEqual(bad.map(([, code]) => code));
    const offsets = items.map(({ offset }) => offset);
    expect(offsets).toEqual(offsets.map((_, i) => offsets[0]! + i));
    const lane = kafkaLane(await clusterOf(kafka.client()), topic, 0);
    expect(items[5]).toMatchObject({ source: '/sms/gateway', lane, topic, partition: 0 });
    expect(JSON.stringify(items)).not.toMatch(/966500000703/);

    const raw = await fetch(`${server.url}/v1/quarantine/${items[8]!.entryId}/raw`, {
      headers: { authorization: `Bearer ${officer}`, 'sijill-reason': 'why it failed' },
    });
    expect(raw.headers.get('content-type')).toBe('application/octet-stream');
    expect(Buffer.from(await raw.arrayBuffer()).equals(large)).toBe(true);
    expect(items[8]!.size).toBe(large.length);
    const broken = await fetch(`${server.url}/v1/quarantine/${items[1]!.entryId}/raw`, {
      headers: { authorization: `Bearer ${officer}`, 'sijill-reason': 'x' },
    });
    expect([...Buffer.from(await broken.arrayBuffer())]).toEqual([0x22, 0xc3, 0x28, 0x22]);
    const raws = `${server.url}/v1/quarantine/${items[0]!.entryId}/raw`;
    expect((await request(raws, { key: officer })).status).toBe(400);
    expect((await request(raws, { key: admin, reason: 'x' })).status).toBe(403);
  });

  it('shows an admin what is in quarantine, and not whose it is', async () => {
    const { body } = await request<{ items: Quarantined[] }>(`${server.url}/v1/quarantine`, { key: admin });
    expect(body.items.length).toBeGreaterThan(0);
    expect(body.items.every(({ eventId }) => eventId === null)).toBe(true);
  });

  it('replays what is understood now, once, and says what still holds of the rest', async () => {
    const phone = '+966500000705';
    await send(
      {
        value: JSON.stringify({ ...disclosed(phone), time: new Date(Date.now() + 303_000).toISOString() }),
        headers: structured,
      },
      { value: '{', headers: structured },
    );
    const [unreadable, early] = await eventually(
      quarantine,
      (items) => items[1]?.reason.code === 'time_in_future' && items[1].replayedAs === null,
    );
    const replay = (entryId: string) =>
      request<{ entries?: { entryId: string }[]; reason?: { code: string } }>(
        `${server.url}/v1/quarantine/${entryId}/replay`,
        { key: admin, method: 'POST' },
      );
    expect(await replay(unreadable!.entryId)).toMatchObject({
      status: 409,
      body: { reason: { code: 'invalid_json' } },
    });
    const done = await eventually(
      () => replay(early!.entryId),
      ({ status }) => status === 200,
    );
    const [item] = await found(phone);
    expect(item!['entryId']).toBe(done.body.entries![0]!.entryId);
    expect(item!['producer']).toBe('sms-platform');
    expect((await replay(early!.entryId)).status).toBe(409);
    expect((await quarantine()).find(({ entryId }) => entryId === early!.entryId)?.replayedAs).toBe(
      done.body.entries![0]!.entryId,
    );
  });

  it('is stopped by no record, whatever its numbers and letters', async () => {
    const sound = JSON.stringify(disclosed('+966500000709'));
    const poison: [string, string][] = [
      [
        JSON.stringify(disclosed('+966500000710', {}, { details: { n: 1 } })).replace('"n":1', '"n":1e400'),
        'out_of_range',
      ],
      [
        JSON.stringify(disclosed('+966500000710', {}, { details: { n: 1 } })).replace(
          '"n":1',
          '"n":12345678901234567890',
        ),
        'out_of_range',
      ],
      [sound.replace(/"id":"/, '"id":"\\ud800'), 'bad_format'],
      [sound.replace(/"id":"/, '"id":"\\u0000'), 'bad_format'],
      [sound.replace(/"source":"/, '"source":"\\udfff'), 'bad_format'],
      [sound.replace('"data":{', '"__proto__":{"a":1},"data":{'), 'unknown_field'],
    ];
    await send(...poison.map(([value]) => ({ value, headers: structured })), { value: sound, headers: structured });
    await found('+966500000709');
    const items = (await quarantine()).slice(0, poison.length).reverse();
    expect(items.map(({ reason }) => reason.code)).toEqual(poison.map(([, code]) => code));
    expect(items.slice(2, 4).map(({ eventId }) => eventId)).toEqual([null, null]);
  });

  it('replays what first came, not what it can be read as', async () => {
    const { data, ...attributes } = disclosed('+966500000711');
    const ce = Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`ce_${name}`, String(value)]));
    const headers = { ...ce, ce_id: ['a', 'b'] as unknown as string, 'content-type': 'application/json' };
    await send({ value: JSON.stringify(data), headers });
    const [item] = await eventually(quarantine, ([newest]) => newest?.reason.code === 'duplicate_header');
    const replayed = await request<{ reason: { code: string } }>(
      `${server.url}/v1/quarantine/${item!.entryId}/replay`,
      {
        key: admin,
        method: 'POST',
      },
    );
    expect(replayed).toMatchObject({ status: 409, body: { reason: { code: 'duplicate_header' } } });
  });

  it('counts and warns of keys with personal data, and stores none', async () => {
    await send({ key: '+966500000706', value: JSON.stringify(disclosed('+966500000707')), headers: structured });
    const [item] = await found('+966500000707');
    const entry = await request(`${server.url}/v1/entries/${String(item!['entryId'])}`, { key: officer });
    expect(JSON.stringify(entry.body)).not.toContain('966500000706');
    expect(String((await request(`${server.url}/metrics`)).body)).toContain(
      `sijill_kafka_personal_keys_total{topic="${topic}"} 1`,
    );
    expect(server.log()).toContain('record keys of this topic look like phone numbers');
    expect(server.log()).not.toContain('966500000');
  });

  it('shows its lag', async () => {
    await eventually(
      async () => String((await request(`${server.url}/metrics`)).body),
      (text) => text.includes(`sijill_kafka_lag{topic="${topic}",partition="0"} 0`),
    );
  });

  it('reads gzip', async () => {
    await producer.send({
      topic,
      compression: CompressionTypes.GZIP,
      messages: [{ value: JSON.stringify(disclosed('+966500000708')), headers: structured }],
    });
    await found('+966500000708');
  });
});

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { filesBelow, found } from '../support/byte-search.js';
import { Canaries } from '../support/canaries.js';
import { BATCH, disclosed, SINGLE } from '../support/events.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { eventually, request, startServer, type TestServer } from '../support/sijill.js';

const NUMBERS = Array.from({ length: 100 }, (_, i) => `+9665000003${String(i).padStart(2, '0')}`).values();
const nextPhone = (): string => NUMBERS.next().value!;

/** Whatever a producer writes freely lies in clear nowhere: it is looked for byte by byte in all that the server has written. */
describeWithKafka('what lies in clear', (kafka) => {
  let server: TestServer;
  let topic: string;
  let producer: string;
  const canaries = new Canaries();
  const answers: string[] = [];

  const send = async (events: unknown): Promise<{ status: number; body: { rejected?: unknown[] } }> =>
    request(`${server.url}/v1/events`, { key: producer, body: events, type: BATCH });

  beforeAll(async () => {
    topic = await kafka.freshTopic({ partitions: 1, prefix: 'canaries' });
    server = await startServer({
      SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
      SIJILL_KAFKA_TOPICS: `${topic}=sms-platform`,
      SIJILL_KAFKA_GROUP: `group-${topic}`,
      SIJILL_LOG_LEVEL: 'trace',
    });
    producer = await server.key('producer');
  });

  it('is no field but those that the schema declares open: in any event of any type, about one person or two', async () => {
    for (const people of [1, 2]) {
      const events = canaries.events(people, nextPhone);
      for (const event of events) {
        const { status, body } = await send([event]);
        expect({ type: event['type'], status, rejected: body.rejected }).toEqual({
          type: event['type'],
          status: 201,
          rejected: [],
        });
      }
      // The same identities with other content: conflicts. And once more as they were: repeats.
      const others = events.map((event) => ({ ...event, time: '2026-07-01T09:15:03.114Z' }));
      expect((await send(others)).status).toBe(201);
      expect((await send(events)).status).toBe(201);
    }
  });

  it('nor what is refused: values outside a list of law, names of fields, numbers and addresses as codes and in sources', async () => {
    const secret = (at: string): string => canaries.fresh(at, false);
    const phone = nextPhone();
    canaries.all.push({ text: phone.slice(1), at: 'source', open: false });
    const refused = [
      disclosed(nextPhone(), {}, { purpose: secret('a purpose outside the list') }),
      disclosed(nextPhone(), {}, { dataCategories: [secret('a category outside the list')] }),
      disclosed(nextPhone(), {}, { [secret('an unknown field')]: 1 }),
      disclosed(nextPhone(), { source: `/sms/${phone.slice(1)}` }),
      disclosed(nextPhone(), { source: `/sms/${secret('source')}@example.com` }),
      disclosed(nextPhone(), {}, { system: phone }),
      disclosed(nextPhone(), { type: secret('type') }),
    ];
    for (const event of refused) {
      const { status } = await request(`${server.url}/v1/events`, { key: producer, body: event, type: SINGLE });
      expect(status).toBe(422);
    }
  });

  it('nor what came over Kafka and was not understood, nor its headers and keys', async () => {
    const secret = (at: string): string => canaries.fresh(at, false);
    const sender = kafka.client().producer();
    await sender.connect();
    const structured = { 'content-type': 'application/cloudevents+json' };
    const records = [
      { value: `{"${secret('cut JSON')}`, headers: structured },
      { value: JSON.stringify(disclosed(nextPhone(), {}, { [secret('an unknown field')]: 1 })), headers: structured },
      {
        value: JSON.stringify(
          disclosed(nextPhone(), { id: secret('id'), source: `/${secret('source')}`, type: secret('type') }),
        ),
        headers: structured,
      },
      { value: secret('no event'), headers: { [secret('name of a header')]: secret('header') } },
      { value: JSON.stringify(disclosed(nextPhone())), headers: structured, key: secret('key') },
      ...canaries.events(1, nextPhone).map((event) => ({ value: JSON.stringify(event), headers: structured })),
    ];
    await sender.send({ topic, messages: records });
    await sender.disconnect();
    const admin = await server.key('admin');
    const { body } = await eventually(
      () => request<{ items: unknown[] }>(`${server.url}/v1/quarantine?limit=500`, { key: admin }),
      (answer) => answer.body.items?.length === 4,
    );
    // An admin reads nobody's data: not there either.
    answers.push(JSON.stringify(body));
  });

  it('nor what an officer was shown', async () => {
    const officer = await server.key('officer');
    const account = canaries.all.find(({ at }) => at === 'sijill.data.disclosed.v1 dataSubjects[0].identifiers.value')!;
    const looked = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
      key: officer,
      body: {
        identifier: { scheme: 'account', value: account.text, realm: 'default' },
        reason: canaries.fresh('reason of a look-up', false),
      },
    });
    expect(looked.status).toBe(200);
    const { subjectId } = looked.body;
    const reason = canaries.fresh('reason of a history', false);
    const history = await eventually(
      () =>
        request<{ items: Record<string, unknown>[] }>(`${server.url}/v1/subjects/${subjectId}/disclosures`, {
          key: officer,
          reason,
        }),
      ({ body }) => body.items?.length === 2,
    );
    const [item] = history.body.items;
    const at = (path: string): string =>
      canaries.all.find((each) => each.at === `sijill.data.disclosed.v1 ${path}`)!.text;
    // What readers need is opened for them on the way out.
    expect(item).toMatchObject({
      eventId: at('id'),
      request: { reference: at('data.request.reference') },
      recipient: { name: at('data.recipient.name') },
    });
    const ordered = await request<{ id: string }>(`${server.url}/v1/reports`, {
      key: officer,
      body: {
        report: 'accounting',
        parameters: { subjectId, reason: canaries.fresh('reason of a report', false) },
        formats: ['pdf', 'csv', 'json'],
      },
    });
    expect(ordered.status).toBe(202);
    const { body } = await eventually(
      () => request<{ status: string }>(`${server.url}/v1/reports/${ordered.body.id}`, { key: officer }),
      (answer) => ['done', 'failed'].includes(answer.body.status),
      60_000,
    );
    expect(body.status).toBe('done');
    answers.push((await (await fetch(`${server.url}/metrics`)).text()) + JSON.stringify(await checkpointAndMore()));
  });

  const checkpointAndMore = async (): Promise<string[]> =>
    Promise.all(
      ['/log/checkpoint', '/health/ready', '/openapi.json'].map(async (path) =>
        (await fetch(`${server.url}${path}`)).text(),
      ),
    );

  it('in no spelling and no file: store, read models, tiles, vault, reports, logs, figures', async () => {
    const foreign = canaries.fresh('an event of somebody else', false);
    expect(await server.kill()).toBe(0);
    // Somebody who can write to the store, and is not the ledger: even what he writes comes into nothing else.
    const store = new Sqlite(join(server.dataDir, 'ledger.sqlite'));
    store
      .prepare(
        `insert into entry (stream_id, revision, id, type, data, metadata)
         select id, 1 + (select max(revision) from entry where stream_id = stream.id), '0198a1b2-0000-7000-8000-000000000009',
           'sijill.data.disclosed.v1', json_object('foreign', ?), '{"format":2}' from stream limit 1`,
      )
      .run(foreign);
    store.close();
    const again = await startServer(server.env);
    await eventually(
      async () => (await fetch(`${again.url}/health/ready`)).text(),
      (text) => text.includes('did not write'),
    );
    await again.kill();
    const log = join(server.dataDir, 'log.txt');
    writeFileSync(log, server.log() + again.log() + answers.join('\n'));
    const files = filesBelow(server.dataDir);
    const elsewhere = files.filter((file) => !/ledger\.sqlite/.test(file));
    expect(canaries.sealed.length).toBeGreaterThan(400);
    const inStore = canaries.sealed.filter((text) => text !== foreign);
    expect(found(inStore, files).map(whereFrom)).toEqual([]);
    expect(found([foreign], elsewhere)).toEqual([]);
    // That they can be found at all: the open ones are there.
    const open = canaries.all.filter((each) => each.open).map(({ text }) => text);
    expect(found(open, files).length).toBeGreaterThan(20);
  });

  const whereFrom = (line: string): string => {
    const canary = canaries.all.find(({ text }) => line.startsWith(text));
    return `${canary?.at}: ${line}`;
  };
});

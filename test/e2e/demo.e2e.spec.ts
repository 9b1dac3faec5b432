import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FAMILY_NAMES } from '../../apps/cli/src/demo/names.js';
import { demoTraffic, theProtagonist } from '../../apps/cli/src/demo/traffic.js';
import { filesBelow, found } from '../support/byte-search.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { disclosed, SINGLE } from '../support/events.js';
import { freshDataDir, request, sijill, sijillJson, startServer } from '../support/sijill.js';

// Every phone of the demo is +966 50 000 and four digits, every address ends in @example.…, every name holds a family name.
// In its national form a number is looked for whole: so few digits occur by chance in ids and ciphertext.
const PERSONAL = [
  '96650000',
  ...[7, 42, 300, 555, 1111, 1999].map((index) => `050000${String(index).padStart(4, '0')}`),
  '٥٠٠٠٠',
  '@example.',
  '@EXAMPLE.',
  theProtagonist.name.latin,
  theProtagonist.name.arabic,
  ...FAMILY_NAMES.flatMap(({ latin, arabic }) => [latin, latin.toLowerCase(), arabic]),
];

describe('the demo', () => {
  const dataDir = freshDataDir('demo');
  const env = { SIJILL_DATA_DIR: dataDir, SIJILL_LOG_LEVEL: 'trace', SIJILL_HTTP_PORT: '0' };
  let printed: string;
  let logged: string;

  beforeAll(async () => {
    expect((await sijill(['demo', '--exit'], env)).code).toBe(0);
  });

  it('makes its ledger anew when nothing was added since', async () => {
    const key = readFileSync(join(dataDir, 'demo', 'log.vkey'), 'utf8');
    const { code, stdout, stderr } = await sijill(['demo', '--exit'], env);
    expect(code).toBe(0);
    [printed, logged] = [stdout, stderr];
    expect(readFileSync(join(dataDir, 'demo', 'log.vkey'), 'utf8')).not.toBe(key);
  });

  it('tells a month of at least 20,000 events about 2,000 people, a history, two reports and what to try next', () => {
    const [, events, people] = /(\d+) events about (\d+) people/.exec(printed) ?? [];
    expect(Number(events)).toBeGreaterThanOrEqual(20_000);
    expect(Number(people)).toBe(2_000);
    expect(printed).toMatch(/│ when \(UTC\) +│ to whom/);
    expect(printed).toMatch(/An officer's key, shown this once:\n {2}sijill_k/);
    expect(printed.split('to try in another terminal')[1]?.trim().split('\n')).toHaveLength(4);
    for (const language of ['en', 'ar']) {
      const pdf = readFileSync(join(dataDir, 'demo', `accounting-${language}.pdf`));
      expect(pdf.subarray(0, 5).toString()).toBe('%PDF-');
    }
    expect(existsSync(join(dataDir, 'server.json'))).toBe(false);
  });

  it('proves that the accounting leaves nothing out, with the command that it prints', async () => {
    const command = /npx sijill (verify bundle .*)/.exec(printed)![1]!;
    const { code, stdout } = await sijill([...command.split(' '), '--json'], {});
    expect([code, JSON.parse(stdout)]).toEqual([0, expect.objectContaining({ holds: true, withheld: 0 })]);
  });

  it('leaves no phone number, email or name in clear: not in store, read models, vault, reports or log', () => {
    const log = join(dataDir, 'log.txt');
    writeFileSync(log, logged);
    // The documents under demo/ are the answer to the person asked about.
    const files = filesBelow(dataDir).filter((file) => !file.startsWith(join(dataDir, 'demo')));
    expect(files.map((file) => file.slice(dataDir.length + 1))).toEqual(
      expect.arrayContaining(['ledger.sqlite', 'read-models.sqlite', 'vault/vault.sqlite', 'log.txt']),
    );
    expect(logged).toContain('sijill is ready');
    expect(found(PERSONAL, files)).toEqual([]);
  });

  it('is searched by a search that finds: the traffic itself holds all of it, in whatever encoding', () => {
    const start = new Date('2026-06-01T00:00:00Z');
    const text = [...demoTraffic({ seed: 42, start, events: 21_000 })].map((event) => JSON.stringify(event)).join('\n');
    const folder = freshDataDir('traffic');
    const written: [string, Buffer][] = [
      ['utf8', Buffer.from(text)],
      ['utf16', Buffer.from(text, 'utf16le')],
      ['base64', Buffer.from(`x${Buffer.from(`..${text}`).toString('base64url')}`)],
    ];
    for (const [name, bytes] of written) {
      writeFileSync(join(folder, name), bytes);
      const hits = found(PERSONAL, [join(folder, name)]).map((hit) => hit.split(' in ')[0]);
      // Not every number is written in its national form, and not every family name stands in an address.
      const may = (needle: string): boolean => /^050000/.test(needle) || needle === needle.toLowerCase();
      expect(PERSONAL.filter((needle) => !hits.includes(needle) && !may(needle))).toEqual([]);
      expect(hits).toEqual(expect.arrayContaining(['96650000', '٥٠٠٠٠', '@example.', '0500000042']));
    }
  });

  it('answers from what it left behind, and throws away only its own ledger when it is run again', async () => {
    const server = await startServer({ SIJILL_DATA_DIR: dataDir });
    const history = await sijillJson<{ items: unknown[] }>(
      ['history', '--identifier', 'phone:+966500000042', '--reason', 'test'],
      server.env,
    );
    expect(history.items.length).toBeGreaterThan(10);
    await server.kill();

    const running = await startServer({ SIJILL_DATA_DIR: dataDir });
    expect(await sijill(['demo', '--exit'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('runs on'),
    });
    const producer = await running.key('producer');
    expect((await sijill(['demo', '--exit'], env)).code).toBe(2);
    const posted = await request(`${running.url}/v1/events`, {
      key: producer,
      body: disclosed('+966500000001'),
      type: SINGLE,
    });
    expect(posted.status).toBe(201);
    await running.kill();
    expect(await sijill(['demo', '--exit'], env)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('has been used since'),
    });

    const foreign = freshDataDir('foreign');
    writeFileSync(join(foreign, 'mine.txt'), 'mine');
    const { code, stderr } = await sijill(['demo', '--exit'], { SIJILL_DATA_DIR: foreign });
    expect(code).toBe(2);
    expect(stderr).toContain('was not made by the demo');
    expect(readdirSync(foreign)).toEqual(['mine.txt']);
  });
});

describeWithKafka('the demo over Kafka', (kafka) => {
  it('sends the same traffic through a topic', async () => {
    const env = {
      SIJILL_DATA_DIR: freshDataDir('demo-kafka'),
      SIJILL_HTTP_PORT: '0',
      SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
      SIJILL_KAFKA_TOPICS: kafka.uniqueTopic('demo'),
      SIJILL_KAFKA_GROUP: `demo-${process.pid}`,
    };
    const { code, stdout, stderr } = await sijill(['demo', '--exit'], env);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/\d+ events about 2000 people in .* over Kafka/);
    expect(stdout).toMatch(/\d+ came twice and count once/);
  }, 180_000);
});

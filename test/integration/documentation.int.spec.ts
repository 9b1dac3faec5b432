import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { readRecord } from '@sijill/intake';
import { parseConfig } from '@sijill/platform';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { eventually } from '../support/sijill.js';

const ROOT = join(import.meta.dirname, '..', '..');
const PAGES = [
  'README.md',
  ...['docs', 'docs/adr', 'docs/guides', 'test', 'test/support', 'test/support/eventstoredb'].flatMap((folder) =>
    readdirSync(join(ROOT, folder))
      .filter((name) => name.endsWith('.md'))
      .map((name) => `${folder}/${name}`),
  ),
];
const read = (page: string): string => readFileSync(join(ROOT, page), 'utf8');
const blocks = (page: string, language: string): string[] =>
  [...read(page).matchAll(/^```(\w+)\n([\s\S]*?)^```/gm)]
    .filter(([, name]) => name === language)
    .map(([, , code]) => code!);

describe('the documentation', () => {
  it.each(PAGES)('%s links to what is there', (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map(([, target]) => target!);
    const local = links.filter((target) => !/^[a-z]+:/.test(target));
    expect(local.filter((target) => !existsSync(normalize(join(ROOT, dirname(page), target))))).toEqual([]);
  });

  it('draws the folders that there are', () => {
    const [drawing] = [...read('docs/ARCHITECTURE.md').matchAll(/^```\n([\s\S]*?)^```/gm)].map(([, code]) => code!);
    const drawn: string[] = [];
    let above = '';
    for (const line of drawing!.split('\n')) {
      const [, indent, name] = /^( *)([\w-]+)\//.exec(line) ?? [];
      if (name === undefined) continue;
      if (indent === '') above = name;
      drawn.push(indent === '' ? name : `${above}/${name}`);
    }
    expect(drawn.filter((folder) => !existsSync(join(ROOT, folder)))).toEqual([]);
    const libs = readdirSync(join(ROOT, 'libs')).map((name) => `libs/${name}`);
    expect(libs.filter((lib) => !drawn.includes(lib))).toEqual([]);
  });

  it('shows how to send an event in at most fifteen lines', () => {
    expect(blocks('README.md', 'js')[0]!.trim().split('\n').length).toBeLessThanOrEqual(15);
  });
});

describeWithKafka('the examples that send to Kafka', (kafka) => {
  const run = async (code: string): Promise<string[]> => {
    const topic = await kafka.freshTopic();
    const there = code
      .replace("'localhost:9092'", `'${kafka.brokers[0]!}'`)
      .replaceAll("'privacy.activity'", `'${topic}'`);
    execFileSync(process.execPath, ['--input-type=module', '--eval', there], {
      cwd: ROOT,
      timeout: 30_000,
      env: { ...process.env, KAFKAJS_NO_PARTITIONER_WARNING: '1' },
    });
    const consumer = kafka.client().consumer({ groupId: topic });
    const { limits } = parseConfig({});
    const speaker = { producer: 'sms', realm: 'default', mayLink: true, sources: [] };
    const readings: string[] = [];
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await consumer.run({
      eachMessage: async ({ message }) => {
        const reading = readRecord(message, { limits, defaultRegion: 'SA', now: Date.now(), speaker });
        readings.push('errors' in reading ? JSON.stringify(reading.errors) : 'accepted');
      },
    });
    await eventually(
      async () => readings.length,
      (count) => count >= (code.match(/producer\.send/g)?.length ?? 1),
    );
    await consumer.disconnect();
    return readings;
  };

  it('are accepted: README', async () => {
    expect(await run(blocks('README.md', 'js')[0]!)).toEqual(['accepted']);
  }, 60_000);

  it('are accepted: the guide, in both modes', async () => {
    expect(await run(blocks('docs/guides/send-events-from-kafka.md', 'ts').join('\n'))).toEqual([
      'accepted',
      'accepted',
    ]);
  }, 60_000);
});

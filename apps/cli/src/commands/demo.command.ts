import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join, relative } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { isProducerEventType } from '@sijill/contracts';
import { openStore } from '@sijill/ledger';
import { createLogger, isProcessAlive, type Config } from '@sijill/platform';
import { DemoClient, DemoRefused } from '../demo/demo-client.js';
import { startDemoServer, type DemoServer } from '../demo/demo-server.js';
import { openDemoTopic } from '../demo/demo-topic.js';
import { demoTraffic, theProtagonist } from '../demo/traffic.js';
import { WrongUse } from '../exit-codes.js';
import { progressBar } from '../terminal/progress.js';
import { withAccess } from '../with-access.js';
import { commandConfig } from '../with-ledger.js';
import { historyText } from './history.command.js';

const SEED = 42;
const PEOPLE = 2_000;
const EVENTS = 21_000;
const DAYS = 30;
const BATCH = 500;
const REASON = 'demo: access request 17';
const SHOWN = 12;
const PATIENCE_MS = 60_000;
/** As a shell says it of a command that was stopped by Ctrl-C. */
const INTERRUPTED = 130;

export function addDemo(program: Command): void {
  program
    .command('demo')
    .summary('a believable month of an SMS platform, from events to reports')
    .description(
      "Starts a server on embedded stores, sends it a month of made-up traffic of an SMS platform, shows one person's disclosure history, " +
        'writes reports in English and Arabic, and leaves the server running until Ctrl-C. With SIJILL_KAFKA_BROKERS set the traffic goes through Kafka.',
    )
    .option('--exit', 'stop the server at the end instead of leaving it running')
    .addHelpText(
      'after',
      '\nExamples:\n  $ npm run demo\n  $ SIJILL_KAFKA_BROKERS=localhost:9092 sijill demo\n  $ SIJILL_DATA_DIR=/tmp/sijill-demo sijill demo --exit',
    )
    .action(async (options: { exit?: boolean }) => {
      const config = commandConfig();
      await prepareDataDir(config);
      const began = Date.now();
      say('Starting a server …');
      const server = await startDemoServer(config.dataDir, await portFor(config));
      let stopped = false;
      const stop = (): void => {
        stopped = true;
        void server.stop();
      };
      process.once('SIGINT', stop);
      process.once('SIGTERM', stop);
      try {
        await tell(config, server, began);
      } catch (error) {
        await server.stop();
        if (!stopped) throw error;
        say('\nStopped before the end. Run it again, and it begins anew.');
        process.exitCode = INTERRUPTED;
        return;
      }
      if (options.exit === true) await server.stop();
      process.exitCode = await server.exited;
    });
}

async function tell(config: Config, server: DemoServer, began: number): Promise<void> {
  const { producer, officer } = await demoKeys();
  const client = new DemoClient(server.url, producer, officer);
  const sent = await sendTraffic(config, client);
  say(
    `${sent.events} events about ${PEOPLE} people in ${sent.seconds.toFixed(1)} s (${Math.round(sent.events / sent.seconds)} a second, over ${sent.via}); ${sent.duplicates} came twice and count once.`,
  );

  const subjectId = await client.lookUp(theProtagonist.identifier, REASON);
  const { items, asOf } = await client.disclosures(subjectId, REASON);
  say(`\nWho received the data of ${theProtagonist.identifier.scheme}:${theProtagonist.identifier.value}?\n`);
  say(historyText(items, asOf, SHOWN));

  const folder = join(config.dataDir, 'demo');
  await mkdir(folder, { recursive: true });
  say('\nThe accounting of disclosures, as a regulator would receive it:');
  const write = async (name: string, content: string | Buffer): Promise<string> => {
    await writeFile(join(folder, name), content);
    return relative(process.cwd(), join(folder, name));
  };
  for (const language of ['en', 'ar'] as const) {
    const { pdf, proof } = await client.accounting(subjectId, language, REASON);
    say(`  ${language === 'en' ? 'English' : 'Arabic '}  ${await write(`accounting-${language}.pdf`, pdf)}`);
    await write('accounting.proof', proof);
  }
  const key = await write('log.vkey', await client.verifierKey());
  const proof = relative(process.cwd(), join(folder, 'accounting.proof'));
  say(`and the proof that nothing was left out of it, checked offline, here or in ${server.url}/log/verifier:`);
  say(`  npx sijill verify bundle ${proof} --key ${key}`);
  await writeMark(config.dataDir, await countEvents(config));
  const megabytes = Math.round((await client.figure('process_resident_memory_bytes')) / 1024 / 1024);
  const env = process.env['SIJILL_DATA_DIR'] === undefined ? '' : `SIJILL_DATA_DIR=${config.dataDir} `;
  say(
    `\nDone in ${((Date.now() - began) / 1000).toFixed(1)} s; the server uses ${megabytes} MB and runs at ${server.url} (API: ${server.url}/docs). Ctrl-C stops it.\n\n` +
      `An officer's key, shown this once:\n  ${officer}\n\n` +
      'Three things to try in another terminal, in this folder:\n' +
      `  ${env}npx sijill history --identifier ${theProtagonist.identifier.scheme}:${theProtagonist.identifier.value} --reason "just looking"\n` +
      `  ${env}npx sijill report accounting --identifier ${theProtagonist.identifier.scheme}:${theProtagonist.identifier.value} --reason "just looking" --lang ar --out accounting.pdf\n` +
      `  curl -s "${server.url}/v1/subjects/${subjectId}/activities?limit=5" -H "Authorization: Bearer ${officer}" -H "Sijill-Reason: just looking"`,
  );
}

interface Sent {
  readonly events: number;
  readonly duplicates: number;
  readonly seconds: number;
  readonly via: string;
}

async function sendTraffic(config: Config, client: DemoClient): Promise<Sent> {
  // Whole days, so that two demos of one day are the same; the month ends before now.
  const day = 86_400_000;
  const start = new Date(Math.floor(Date.now() / day) * day - DAYS * day);
  const topic = config.kafka === null ? null : await openDemoTopic(config.kafka);
  const accepted = '{via="kafka"}';
  const before = await client.figure('sijill_events_accepted_total', accepted);
  const began = Date.now();
  const bar = progressBar('sending');
  let events = 0;
  let duplicates = 0;
  let batch: object[] = [];
  const flush = async (): Promise<void> => {
    if (batch.length === 0) return;
    if (topic === null) duplicates += (await client.send(batch)).duplicates;
    else await topic.send(batch);
    events += batch.length;
    batch = [];
    bar.update(events, Math.max(EVENTS, events));
  };
  for (const event of demoTraffic({ seed: SEED, people: PEOPLE, start, days: DAYS, events: EVENTS })) {
    batch.push(event);
    if (batch.length === BATCH) await flush();
  }
  await flush();
  if (topic !== null) {
    await topic.close();
    await takenIn(events, async () => (await client.figure('sijill_events_accepted_total', accepted)) - before);
  }
  bar.stop();
  return { events, duplicates, seconds: (Date.now() - began) / 1000, via: topic === null ? 'HTTP' : 'Kafka' };
}

/** Waits until the server has taken in what was sent, as long as it goes forward. */
async function takenIn(events: number, count: () => Promise<number>): Promise<void> {
  let taken = 0;
  for (let moved = Date.now(); taken < events; await pause(200)) {
    const now = await count();
    if (now > taken) moved = Date.now();
    else if (Date.now() - moved > PATIENCE_MS)
      throw new DemoRefused(
        `the server took in ${taken} of ${events} events from Kafka, and no more for a minute; its log and /health/ready say more`,
      );
    taken = now;
  }
}

async function demoKeys(): Promise<{ producer: string; officer: string }> {
  return withAccess(async ({ keys }, by) => {
    const producer = await keys.create({ name: 'demo-traffic', roles: ['producer'] }, by);
    const officer = await keys.create({ name: 'demo-desk', roles: ['officer'] }, by);
    return { producer: producer.key, officer: officer.key };
  });
}

const MARK = 'made-by-the-demo.json';
const OURS =
  /^((ledger|notary|subject-map|read-models|access)\.sqlite(-wal|-shm)?|vault|reports|demo|server\.(json|lock)|notary\.lock)$/;

interface Mark {
  readonly about: string;
  /** Events in the ledger when the demo was done; null while it is not. */
  readonly events: number | null;
}

/**
 * The demo makes a ledger of its own, and throws only that away again: one in a folder that was empty when the demo began, in
 * which no server runs, and that nobody has put events of his own into since.
 */
async function prepareDataDir(config: Config): Promise<void> {
  const { dataDir } = config;
  const names = existsSync(dataDir) ? await readdir(dataDir) : [];
  const another = 'Set SIJILL_DATA_DIR to an empty folder';
  if (names.includes(MARK)) {
    const running = await runningServer(dataDir);
    if (running !== null)
      throw new WrongUse(`a server (pid ${running}) runs on ${dataDir}. Stop it first, or: ${another}`);
    const { events } = JSON.parse(await readFile(join(dataDir, MARK), 'utf8')) as Mark;
    if (events !== null && (await countEvents(config)) !== events) {
      throw new WrongUse(`the ledger in ${dataDir} has been used since the demo made it, and stays. ${another}`);
    }
    for (const name of names) if (OURS.test(name)) await rm(join(dataDir, name), { recursive: true, force: true });
  } else if (names.length > 0) {
    throw new WrongUse(`${dataDir} is not empty, and what is in it was not made by the demo. ${another}`);
  }
  await mkdir(dataDir, { recursive: true });
  await writeMark(dataDir, null);
}

async function writeMark(dataDir: string, events: number | null): Promise<void> {
  const about = 'When the demo is run again and nothing was added since, it throws away the ledger in this folder.';
  await writeFile(join(dataDir, MARK), `${JSON.stringify({ about, events } satisfies Mark, null, 2)}\n`);
}

/** Entries that came from producers; look-ups and reports are no use that anyone would miss. */
async function countEvents(config: Config): Promise<number> {
  if (!existsSync(join(config.dataDir, 'ledger.sqlite'))) return 0;
  const store = await openStore(config, createLogger('silent'));
  let events = 0;
  try {
    for await (const batch of store.readAll()) events += batch.filter(({ type }) => isProducerEventType(type)).length;
  } finally {
    await store.close();
  }
  return events;
}

/** The process that has announced itself in a data directory and is alive. */
async function runningServer(dataDir: string): Promise<number | null> {
  try {
    const { pid } = JSON.parse(await readFile(join(dataDir, 'server.json'), 'utf8')) as { pid: number };
    return isProcessAlive(pid) ? pid : null;
  } catch {
    return null;
  }
}

/** The configured port, or a free one when it is taken and nobody asked for it by name. */
async function portFor(config: Config): Promise<string> {
  const { port, host } = config.http;
  if (process.env['SIJILL_HTTP_PORT'] !== undefined) return String(port);
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once('error', () => resolve('0'));
    probe.listen(port, host, () => probe.close(() => resolve(String(port))));
  });
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}

import Database from 'better-sqlite3';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { BATCH, disclosed, SINGLE } from '../support/events.js';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { eventually, request, startServer, type TestServer } from '../support/sijill.js';

const SECONDS = Number(process.env['SIJILL_TEST_OVERLOAD_SECONDS'] ?? (FULL_RUN ? 600 : 24));
const WARM_UP = 1 / 3;
const BUDGET_BYTES = 2 * 1024 * 1024;
const BATCH_SIZE = 100;
// What is sent beyond this many unanswered requests would only measure the sender.
const MOST_UNANSWERED = 128;
const MIB = 1024 * 1024;

const phoneOf = (i: number): string => `+96650000${String(4000 + (i % 500))}`;
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

describeWithKafka('a server that is sent twice of what it can take', (kafka) => {
  it(
    `keeps its memory and its queue bounded and answers validly, for ${SECONDS} seconds`,
    async () => {
      const topic = await kafka.freshTopic({ partitions: 2, prefix: 'privacy' });
      const server = await startServer({
        SIJILL_MAX_PENDING_BYTES: String(BUDGET_BYTES),
        SIJILL_KAFKA_BROKERS: kafka.brokers.join(','),
        SIJILL_KAFKA_TOPICS: topic,
        SIJILL_KAFKA_GROUP: `group-${topic}`,
        SIJILL_LOG_LEVEL: 'error',
        // One officer looks people up all the time.
        SIJILL_LIMIT_LOOKUP: '100000',
      });
      const traffic = new Traffic(server, await server.key('producer'));
      const officer = await server.key('officer');

      // What it can take: senders that wait for their answers, as many as keep it busy.
      const measuredFor = 4_000;
      const until = Date.now() + measuredFor;
      const closedLoop = async (): Promise<void> => {
        while (Date.now() < until) await traffic.sendBatch();
      };
      await Promise.all(Array.from({ length: 4 }, closedLoop));
      const capacity = traffic.acknowledged.size / (measuredFor / 1000);

      const producer = kafka.client().producer();
      await producer.connect();
      const memory: number[] = [];
      const queue: number[] = [];
      const log: number[] = [];
      const lookUps: number[] = [];
      let overKafka = 0;
      const began = Date.now();
      const elapsed = (): number => (Date.now() - began) / 1000;
      const running = (): boolean => elapsed() < SECONDS;

      const openLoop = async (): Promise<void> => {
        // Nine tenths in batches, one tenth one by one, both on their own clock, whatever is answered.
        for (let due = 0; running(); await pause(5)) {
          for (const now = elapsed() * 2 * capacity; due < now;) {
            const single = traffic.requests % 10 === 9;
            due += single ? 1 : BATCH_SIZE;
            if (traffic.unanswered < MOST_UNANSWERED) void (single ? traffic.sendOne() : traffic.sendBatch());
          }
        }
      };
      const kafkaLoop = async (): Promise<void> => {
        while (running()) {
          const messages = Array.from({ length: 200 }, () => {
            const record = overKafka++;
            const envelope = { id: `record-${record}`, sequence: String(record) };
            return {
              value: JSON.stringify(disclosed(phoneOf(record), envelope)),
              headers: { 'content-type': 'application/cloudevents+json' },
            };
          });
          await producer.send({ topic, messages });
          await pause(250);
        }
      };
      const readLoop = async (): Promise<void> => {
        for (let person = 0; running(); person++) {
          const found = await request<{ subjectId: string }>(`${server.url}/v1/subjects/lookup`, {
            key: officer,
            body: { identifier: { scheme: 'phone', value: phoneOf(person) }, reason: 'test' },
          });
          lookUps.push(found.status);
          await pause(200);
        }
      };
      const watchLoop = async (): Promise<void> => {
        while (running()) {
          const { body } = await request<string>(`${server.url}/metrics`);
          memory.push(figure(body, 'process_resident_memory_bytes'));
          queue.push(figure(body, 'sijill_http_pending_bytes'));
          log.push(statSync(join(server.dataDir, 'ledger.sqlite-wal')).size);
          await pause(500);
        }
      };
      await Promise.all([openLoop(), kafkaLoop(), readLoop(), watchLoop()]);
      await eventually(
        async () => traffic.unanswered,
        (left) => left === 0,
        60_000,
      );
      await producer.disconnect();

      const warm = Math.floor(memory.length * WARM_UP);
      const mean = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0) / values.length;
      const [then, now] = [mean(memory.slice(Math.max(0, warm - 5), warm + 1)), mean(memory.slice(-5))];
      process.stderr.write(
        `overload: capacity ${Math.round(capacity)} events/s, ${traffic.acknowledged.size} acknowledged, ` +
          `${traffic.refused} requests refused, ${overKafka} over Kafka; memory ${Math.round(then / MIB)} MiB after ` +
          `warm-up, ${Math.round(now / MIB)} MiB at the end; queue at most ${Math.round(Math.max(...queue) / 1024)} KiB, write-ahead log at most ${Math.round(Math.max(...log) / MIB)} MiB\n`,
      );
      expect(traffic.invalid).toEqual([]);
      expect(traffic.refused).toBeGreaterThan(0);
      expect(new Set(lookUps)).toEqual(new Set([200]));
      expect(Math.max(...queue)).toBeLessThanOrEqual(BUDGET_BYTES);
      // Readers follow all the time, and do not keep the log from being moved into the file.
      expect(Math.max(...log)).toBeLessThan(64 * MIB);
      expect(now - then).toBeLessThan(100 * MIB);

      await eventually(
        async () => countOf(server, `eventId LIKE 'record-%'`),
        (stored) => stored === overKafka,
        120_000,
      );
      expect(countOf(server, `eventId LIKE 'event-%'`)).toBeGreaterThanOrEqual(traffic.acknowledged.size);
      expect(missing(server, traffic.acknowledged)).toBe(0);
      expect(await server.kill()).toBe(0);
    },
    (SECONDS + 300) * 1000,
  );
});

/** What producers send over HTTP, and what they are answered. */
class Traffic {
  requests = 0;
  unanswered = 0;
  refused = 0;
  readonly acknowledged = new Set<string>();
  /** Answers that are neither an acceptance nor a refusal that says when to come back. */
  readonly invalid: unknown[] = [];
  private events = 0;

  constructor(
    private readonly server: TestServer,
    private readonly key: string,
  ) {}

  sendBatch(): Promise<void> {
    return this.send(
      Array.from({ length: BATCH_SIZE }, () => this.event()),
      BATCH,
    );
  }

  sendOne(): Promise<void> {
    return this.send(this.event(), SINGLE);
  }

  private event(): object {
    const event = this.events++;
    return disclosed(phoneOf(event), { id: `event-${event}`, sequence: String(event) });
  }

  private async send(body: object, type: string): Promise<void> {
    this.requests++;
    this.unanswered++;
    try {
      const answer = await request<{ accepted?: { id: string }[]; status?: number }>(`${this.server.url}/v1/events`, {
        key: this.key,
        body,
        type,
      });
      const refused = answer.status === 503 && answer.body.status === 503 && answer.headers.has('retry-after');
      if (answer.status === 201) for (const { id } of answer.body.accepted!) this.acknowledged.add(id);
      else if (refused) this.refused++;
      else this.invalid.push({ status: answer.status, body: answer.body });
    } catch (error) {
      this.invalid.push(String((error as Error).cause ?? error));
    } finally {
      this.unanswered--;
    }
  }
}

function figure(metrics: string, name: string): number {
  return Number(new RegExp(`^${name} (.*)$`, 'm').exec(metrics)?.[1]);
}

// Ids are sealed; the sequence is open, and the same number.
const EVENTS = `(SELECT iif(json_extract(metadata, '$.kafka') IS NULL, 'event-', 'record-') || json_extract(metadata, '$.sequence') AS eventId
  FROM entry WHERE type = 'sijill.data.disclosed.v1')`;

function reading<T>(server: TestServer, work: (db: Database.Database) => T): T {
  const db = new Database(join(server.dataDir, 'ledger.sqlite'), { readonly: true });
  try {
    return work(db);
  } finally {
    db.close();
  }
}

function countOf(server: TestServer, where: string): number {
  return reading(server, (db) =>
    db.prepare<[], number>(`SELECT count(*) FROM ${EVENTS} WHERE ${where}`).pluck().get(),
  )!;
}

/** How many acknowledged events are not in the ledger. */
function missing(server: TestServer, acknowledged: ReadonlySet<string>): number {
  return reading(server, (db) => {
    const left = new Set(acknowledged);
    const ids = db.prepare<[], string>(`SELECT eventId FROM ${EVENTS} WHERE eventId IS NOT NULL`).pluck();
    for (const id of ids.iterate()) left.delete(id);
    return left.size;
  });
}

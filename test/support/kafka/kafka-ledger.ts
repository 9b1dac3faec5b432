import type { EventStore, StoredEntry } from '@sijill/event-store';
import { KafkaIntake } from '@sijill/intake';
import { openLedger, type Ledger } from '@sijill/ledger';
import { createLogger, parseConfig, type Config } from '@sijill/platform';
import type { Admin, Kafka, Message } from 'kafkajs';
import { disclosed } from '../events.js';
import { eventually, freshDataDir } from '../sijill.js';
import { kafkaClient } from './topics.js';

const STRUCTURED = { 'content-type': 'application/cloudevents+json' };

export interface KafkaLedgerOptions {
  readonly brokers: readonly string[];
  readonly topic: string;
  /** More configuration, over an embedded store in a fresh directory. */
  readonly env?: Record<string, string>;
  /** Stands between the intake and the store, to make appends go wrong. */
  readonly around?: (store: EventStore) => EventStore;
}

/** A ledger in this process with an intake over one topic, and what tests ask of the two. */
export class KafkaLedger {
  /** Those that run. */
  readonly intakes: KafkaIntake[] = [];
  private sent = 0;

  private constructor(
    readonly ledger: Ledger,
    readonly config: Config,
    readonly topic: string,
    readonly client: Kafka,
    private readonly around: (store: EventStore) => EventStore,
  ) {}

  static async open({ brokers, topic, env = {}, around = (store) => store }: KafkaLedgerOptions): Promise<KafkaLedger> {
    const config = parseConfig({
      SIJILL_DATA_DIR: freshDataDir('kafka'),
      SIJILL_LOG_LEVEL: 'silent',
      SIJILL_KAFKA_BROKERS: brokers.join(','),
      SIJILL_KAFKA_TOPICS: topic,
      SIJILL_KAFKA_GROUP: `group-${topic}`,
      ...env,
    });
    const ledger = await openLedger(config, { logger: createLogger('silent'), ownLane: 'ledger-test' });
    return new KafkaLedger(ledger, config, topic, kafkaClient(brokers), around);
  }

  /** Starts an intake, one more member of the group. */
  start(options: { silenceMs?: number } = {}): KafkaIntake {
    const { store, maker, quarantine, clock, metrics, logger } = this.ledger;
    const settings = { limits: this.config.limits, defaultRegion: 'SA', kafka: this.config.kafka!, ...options };
    const intake = new KafkaIntake(this.around(store), maker, quarantine, clock, settings, metrics, logger);
    intake.start();
    this.intakes.push(intake);
    return intake;
  }

  /** Stops the intakes. */
  async stop(): Promise<void> {
    await Promise.all(this.intakes.splice(0).map((intake) => intake.stop()));
  }

  async close(): Promise<void> {
    await this.stop();
    await this.ledger.close();
  }

  async admin<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
    const admin = this.client.admin();
    await admin.connect();
    try {
      return await work(admin);
    } finally {
      await admin.disconnect();
    }
  }

  /** So many sound events, each with an id of its own. */
  messages(count: number): { value: string; headers: Record<string, string> }[] {
    return Array.from({ length: count }, () => ({
      value: JSON.stringify(disclosed('+966500000042', { id: `event-${this.sent++}` })),
      headers: STRUCTURED,
    }));
  }

  /** Sends sound events, or what else it is given. */
  async send(what: number | readonly Message[], partition = 0): Promise<void> {
    const messages = typeof what === 'number' ? this.messages(what) : what;
    const producer = this.client.producer();
    await producer.connect();
    await producer.send({ topic: this.topic, messages: messages.map((message) => ({ ...message, partition })) });
    await producer.disconnect();
  }

  /** The entries of a partition's lane. */
  async lane(partition = 0): Promise<StoredEntry[]> {
    const found: StoredEntry[] = [];
    for await (const batch of this.ledger.store.readAll())
      found.push(...batch.filter(({ stream }) => stream === `ledger-${this.topic}-${partition}`));
    return found;
  }

  /** The entries of a partition's lane, once there are so many. */
  stored(count: number, partition = 0): Promise<StoredEntry[]> {
    return eventually(
      () => this.lane(partition),
      (entries) => entries.length >= count,
      90_000,
    );
  }
}

/** The offsets that entries came from. */
export function offsetsOf(entries: readonly StoredEntry[]): number[] {
  return entries.map(({ metadata }) => (metadata['kafka'] as { offset: number }).offset);
}

/** The whole numbers from one to before another. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

import type { EventStore, StoredEntry } from '@sijill/event-store';
import { KafkaIntake, PartitionLane } from '@sijill/intake';
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
  /** Stands between the intake and the store, to make appends to a lane go wrong: that of the first partition. */
  readonly around?: (store: EventStore, lane: string) => EventStore;
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
    readonly cluster: string,
    private readonly around: (store: EventStore, lane: string) => EventStore,
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
    for (const { producer } of config.kafka!.topics)
      await ledger.producers.admit(producer, { name: 'tests', principal: 'ledger' });
    const client = kafkaClient(brokers);
    return new KafkaLedger(ledger, config, topic, client, await clusterOf(client), around);
  }

  /** The name of a partition's lane. */
  laneOf(partition = 0): string {
    const { cluster, topic } = this;
    return PartitionLane.nameOf({ cluster, topic, partition });
  }

  /** Starts an intake, one more member of the group. */
  start(options: { silenceMs?: number } = {}): KafkaIntake {
    const store = this.around(this.ledger.store, this.laneOf());
    const intake = intakeOver({ ...this.ledger, store }, this.config, options);
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

  /** So many sound events, each with an id of its own, and numbered where an entry shows it. */
  messages(count: number): { value: string; headers: Record<string, string> }[] {
    return Array.from({ length: count }, () => {
      const sequence = String(this.sent++);
      const event = disclosed('+966500000042', { id: `event-${sequence}`, sequence });
      return { value: JSON.stringify(event), headers: STRUCTURED };
    });
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
      found.push(...batch.filter(({ stream }) => stream === this.laneOf(partition)));
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

/** An intake over the topics of a configuration, with the parts of a ledger. It is not started. */
export function intakeOver(
  ledger: Omit<Ledger, 'store'> & { readonly store: EventStore },
  { limits, defaultRegion, kafka }: Config,
  options: { silenceMs?: number } = {},
): KafkaIntake {
  const { store, maker, quarantine, producers, clock, metrics, logger } = ledger;
  const speakerFor = (topic: string): ReturnType<Ledger['producers']['speakerOf']> =>
    producers.speakerOf(kafka!.topics.find((subscribed) => subscribed.topic === topic)!.producer);
  const settings = { limits, defaultRegion, kafka: kafka!, speakerFor, ...options };
  return new KafkaIntake(store, maker, quarantine, clock, settings, metrics, logger);
}

/** The id of the cluster that a client is of. */
export async function clusterOf(client: Kafka): Promise<string> {
  const admin = client.admin();
  await admin.connect();
  try {
    return (await admin.describeCluster()).clusterId;
  } finally {
    await admin.disconnect();
  }
}

/** The numbers of the events that entries are of, see `messages`. */
export function sequencesOf(entries: readonly StoredEntry[]): number[] {
  return entries.map(({ metadata }) => Number(metadata['sequence']));
}

/** The offsets that entries came from. */
export function offsetsOf(entries: readonly StoredEntry[]): number[] {
  return entries.map(({ metadata }) => (metadata['kafka'] as { offset: number }).offset);
}

/** The whole numbers from one to before another. */
export function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, i) => from + i);
}

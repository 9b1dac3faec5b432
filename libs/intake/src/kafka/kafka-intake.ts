import kafkajs, {
  type Consumer,
  type EachBatchPayload,
  type Kafka as KafkaClient,
  type KafkaMessage,
  type logLevel as KafkaLogLevel,
} from 'kafkajs';
import { LaneClosed, LaneTakenOver, type EventStore, type NewEntry } from '@sijill/event-store';
import type { Clock, KafkaConfig, Logger, Metrics } from '@sijill/platform';
import { looksPersonal } from '@sijill/vault';
import type { EntryMaker } from '../entry-maker.js';
import { prepareRecords, type ArrivedRecord } from '../prepare-records.js';
import type { Quarantine } from '../quarantine/quarantine.js';
import type { IntakeLimits } from '../read-event.js';
import { CodecMissing, registerCodecs } from './codecs.js';
import { kafkaArrival, PartitionLane } from './partition-lane.js';
import { readRecord } from './read-record.js';

const { Kafka, logLevel } = kafkajs;

export interface KafkaIntakeOptions {
  readonly kafka: KafkaConfig;
  readonly limits: IntakeLimits;
  readonly defaultRegion: string;
}

export type KafkaIntakeState = 'starting' | 'running' | 'waiting' | 'stopped';

/** Records of one lane with the entries that were made of them. */
interface ReadyStep {
  readonly records: readonly ArrivedRecord[];
  readonly entries: readonly NewEntry[][];
}

// Small steps keep heartbeats in time and other lanes' turns short, whatever a fetch brings.
const RECORDS_A_STEP = 500;
const BYTES_A_STEP = 1024 * 1024;
const LONGEST_PAUSE_MS = 30_000;

/** Reads the configured topics into their lanes, one lane a topic-partition. */
export class KafkaIntake {
  private readonly client: KafkaClient;
  private consumer: Consumer | null = null;
  private lanes = new Map<string, PartitionLane>();
  private stopping = false;
  private attempts = 0;
  private restart: NodeJS.Timeout | null = null;
  private status: { state: KafkaIntakeState; detail: string | null } = { state: 'starting', detail: null };

  constructor(
    private readonly store: EventStore,
    private readonly maker: EntryMaker,
    private readonly quarantine: Quarantine,
    private readonly clock: Clock,
    private readonly options: KafkaIntakeOptions,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {
    registerCodecs();
    const { brokers, ssl, sasl } = options.kafka;
    this.client = new Kafka({
      clientId: 'sijill',
      brokers: [...brokers],
      ...(ssl ? { ssl: true } : {}),
      ...(sasl === null
        ? {}
        : { sasl: { mechanism: sasl.mechanism, username: sasl.username, password: sasl.password } as never }),
      logLevel: logLevel.WARN,
      logCreator: () => (entry) => this.relayLog(entry.level, entry.namespace, entry.log.message),
      retry: { initialRetryTime: 200, maxRetryTime: 10_000, retries: 8 },
    });
  }

  /** For health answers: what the intake is doing, and why it waits. */
  get health(): { state: KafkaIntakeState; detail: string | null } {
    return this.status;
  }

  /** Starts in the background; a broker that is away is tried again for as long as it takes. */
  start(): void {
    void this.run();
  }

  /** Lets the batch in hand become durable, leaves the group, and gives the partitions back. */
  async stop(): Promise<void> {
    this.stopping = true;
    if (this.restart !== null) clearTimeout(this.restart);
    await this.consumer?.disconnect().catch(() => undefined);
    await Promise.all([...this.lanes.values()].map((lane) => lane.close()));
    this.status = { state: 'stopped', detail: null };
  }

  private async run(): Promise<void> {
    const { kafka } = this.options;
    const consumer = this.client.consumer({
      groupId: kafka.group,
      readUncommitted: false,
      maxBytesPerPartition: 1024 * 1024,
      // The broker waits this long for a consumer that was killed before others get its partitions. Short is safe here: one
      // that is only slow loses its lanes to the next, and the store keeps the two apart.
      sessionTimeout: 10_000,
      heartbeatInterval: 1_000,
      maxWaitTimeInMs: 250,
      // We decide ourselves what to do after a crash; kafkajs's own restart would keep a dead assignment's state.
      retry: { initialRetryTime: 200, maxRetryTime: 10_000, retries: 8, restartOnFailure: async () => false },
    });
    this.consumer = consumer;
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => void this.takeUp(consumer, payload.memberAssignment));
    consumer.on(consumer.events.REBALANCING, () => this.giveUp());
    consumer.on(consumer.events.CRASH, ({ payload }) => this.tryAgain(consumer, payload.error));
    try {
      await consumer.connect();
      await consumer.subscribe({ topics: kafka.topics.map(({ topic }) => topic), fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: (payload) => this.consume(consumer, payload),
      });
      this.status = { state: 'running', detail: null };
    } catch (error) {
      this.tryAgain(consumer, error as Error);
    }
  }

  /** On assignment the lanes say where to read on; what the group had committed does not matter. */
  private async takeUp(consumer: Consumer, assignment: Record<string, number[]>): Promise<void> {
    try {
      for (const [topic, partitions] of Object.entries(assignment)) {
        for (const partition of partitions) {
          const lane = await this.laneOf(topic, partition);
          consumer.seek({ topic, partition, offset: lane.nextOffset.toString() });
        }
      }
      this.attempts = 0;
      this.status = { state: 'running', detail: null };
      this.logger.info({ assignment }, 'kafka partitions taken up');
    } catch (error) {
      this.tryAgain(consumer, error as Error);
    }
  }

  private async laneOf(topic: string, partition: number): Promise<PartitionLane> {
    const name = PartitionLane.nameOf(topic, partition);
    const open = this.lanes.get(name);
    if (open !== undefined && open.failure === null) return open;
    const lane = await PartitionLane.open(this.store, topic, partition, (reason) =>
      this.logger.warn({ lane: name, reason }, 'an append has to be tried again'),
    );
    this.lanes.set(name, lane);
    return lane;
  }

  /** Another assignment is coming: nothing that is known about the lanes' ends may outlive it. */
  private giveUp(): void {
    for (const lane of this.lanes.values()) lane.abandon();
    this.lanes = new Map();
  }

  private async consume(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    const { batch, heartbeat, resolveOffset, isRunning, isStale } = payload;
    const { topic, partition } = batch;
    const lane = await this.laneOf(topic, partition);
    const first = BigInt(batch.firstOffset() ?? '0');
    if (first > lane.nextOffset && !this.positioned.has(lane)) {
      // Fetched from a committed offset before the seek took hold.
      this.positioned.add(lane);
      consumer.seek({ topic, partition, offset: lane.nextOffset.toString() });
      return;
    }
    this.positioned.add(lane);
    const fresh = batch.messages.filter((message) => !lane.holds(BigInt(message.offset)));
    // One step is stored while the next is made ready. Only one append of a lane is ever under way, so that a failure leaves
    // nothing behind it stored.
    let storing = Promise.resolve();
    for (const step of stepsOf(fresh)) {
      if (!isRunning() || isStale()) break;
      const ready = await this.makeReady(lane, step);
      await storing;
      storing = this.storeStep(lane, step, ready).then(() => {
        resolveOffset(step.at(-1)!.offset);
        this.metrics.kafkaLag.set({ topic, partition }, Number(BigInt(batch.highWatermark) - lane.nextOffset));
      });
      // Awaited above or below, in a later turn of the event loop than it may fail in.
      storing.catch(() => undefined);
      await heartbeat();
    }
    await storing;
    if (!isRunning() || isStale()) return;
    const last = batch.messages.at(-1);
    if (last !== undefined) resolveOffset(last.offset);
    this.metrics.kafkaLag.set({ topic, partition }, Math.max(0, Number(BigInt(batch.highWatermark) - lane.nextOffset)));
    // For lag monitoring by others only. A failure here changes nothing.
    await consumer.commitOffsets([{ topic, partition, offset: lane.nextOffset.toString() }]).catch(() => undefined);
  }

  /** Lanes whose consumer position was checked against the lane's end in this assignment. */
  private readonly positioned = new WeakSet<PartitionLane>();

  private async makeReady(lane: PartitionLane, messages: readonly KafkaMessage[]): Promise<ReadyStep> {
    const { topic, partition } = lane;
    const producer = this.options.kafka.topics.find((subscribed) => subscribed.topic === topic)?.producer ?? null;
    const now = this.clock.now();
    const records = messages.map((message): ArrivedRecord => {
      this.watchKey(topic, message.key);
      const reading = readRecord(message, {
        limits: this.options.limits,
        defaultRegion: this.options.defaultRegion,
        now,
      });
      const arrival = kafkaArrival(topic, partition, BigInt(message.offset));
      return { reading, value: message.value, headers: headersOf(message), provenance: { producer, arrival } };
    });
    return { records, entries: await prepareRecords(records, this.maker, this.quarantine) };
  }

  private async storeStep(
    lane: PartitionLane,
    messages: readonly KafkaMessage[],
    { records, entries }: ReadyStep,
  ): Promise<void> {
    const { topic, partition } = lane;
    try {
      await lane.append(
        messages.map(({ offset }) => BigInt(offset)),
        entries,
      );
    } catch (error) {
      if (error instanceof LaneTakenOver)
        this.logger.error({ topic, partition }, 'another consumer has this lane; giving the partition up');
      throw error;
    }
    let events = 0;
    for (const { reading } of records) {
      if ('accepted' in reading) events++;
      else this.metrics.quarantined.inc({ topic, code: reading.errors[0]?.code ?? 'unreadable' });
    }
    this.metrics.eventsAccepted.inc({ via: 'kafka' }, events);
    this.metrics.entriesAppended.inc(
      { via: 'kafka' },
      entries.reduce((sum, made) => sum + made.length, 0),
    );
  }

  /** A key with personal data is counted and warned of; nothing of it is kept, and the warning does not repeat it. */
  private watchKey(topic: string, key: Buffer | null): void {
    if (key === null || key.length > 512 || !looksPersonal(key.toString('utf8'), this.options.defaultRegion)) return;
    this.metrics.personalKeys.inc({ topic });
    if (this.warnedTopics.has(topic)) return;
    this.warnedTopics.add(topic);
    this.logger.warn(
      { topic },
      'record keys of this topic look like phone numbers or email addresses; use an opaque key or none',
    );
  }

  private readonly warnedTopics = new Set<string>();

  private tryAgain(consumer: Consumer, error: Error): void {
    if (this.stopping || this.consumer !== consumer) return;
    this.consumer = null;
    this.giveUp();
    const milliseconds = Math.min(LONGEST_PAUSE_MS, 500 * 2 ** Math.min(this.attempts++, 10));
    const detail = error instanceof LaneClosed ? 'the lanes were given up' : causeOf(error);
    this.status = { state: 'waiting', detail };
    this.logger.warn({ detail, retryInMs: milliseconds }, 'kafka intake stopped; it will be started again');
    this.restart = setTimeout(() => {
      void consumer
        .disconnect()
        .catch(() => undefined)
        .then(() => (this.stopping ? undefined : this.run()));
    }, milliseconds);
  }

  private relayLog(level: KafkaLogLevel, namespace: string, message: string): void {
    if (level === logLevel.ERROR) this.logger.debug({ namespace }, message);
  }
}

/** What lies beneath the client's own errors. One of ours says what to do, and what lies beneath that only confuses. */
function causeOf(error: Error): string {
  const cause = (error as { cause?: unknown }).cause;
  const deeper = cause instanceof Error && cause !== error && !(error instanceof CodecMissing);
  return deeper ? causeOf(cause) : error.message;
}

function* stepsOf(messages: readonly KafkaMessage[]): Generator<KafkaMessage[]> {
  let step: KafkaMessage[] = [];
  let bytes = 0;
  for (const message of messages) {
    step.push(message);
    bytes += message.value?.length ?? 0;
    if (step.length < RECORDS_A_STEP && bytes < BYTES_A_STEP) continue;
    yield step;
    step = [];
    bytes = 0;
  }
  if (step.length > 0) yield step;
}

const LARGEST_HEADERS = 64 * 1024;

/** All headers as text for the quarantine, so that a replay reads what first arrived. */
function headersOf(message: KafkaMessage): Record<string, string> {
  const kept: Record<string, string> = {};
  let bytes = 0;
  for (const [name, value] of Object.entries(message.headers ?? {})) {
    const text = Array.isArray(value) ? value.map(String).join(', ') : String(value ?? '');
    bytes += name.length + text.length;
    if (bytes > LARGEST_HEADERS) break;
    kept[name] = text;
  }
  return kept;
}

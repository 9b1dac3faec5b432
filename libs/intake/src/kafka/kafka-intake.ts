import { setTimeout as pause } from 'node:timers/promises';
import kafkajs, {
  type Consumer,
  type EachBatchPayload,
  type Kafka as KafkaClient,
  type KafkaMessage,
  type logLevel as KafkaLogLevel,
} from 'kafkajs';
import { LaneClosed, passes, type EventStore } from '@sijill/event-store';
import { backOff, within, type Clock, type Logger, type Metrics } from '@sijill/platform';
import type { EntryMaker } from '../entry-maker.js';
import type { Quarantine } from '../quarantine/quarantine.js';
import { keepBackAbortedRecords } from './aborted-records.js';
import { CodecMissing, registerCodecs } from './codecs.js';
import { Heartbeats } from './heartbeats.js';
import { Lag } from './lag.js';
import { missedRecords } from './missed-records.js';
import { ClusterUnnamed, PartitionEnds, type PartitionEnd } from './partition-ends.js';
import { PartitionLane, type Partition } from './partition-lane.js';
import { Records, stepsOf, type RecordsOptions } from './records.js';

const { Kafka, logLevel } = kafkajs;

export interface KafkaIntakeOptions extends RecordsOptions {
  /** How long the client may give no sign of life, in milliseconds: a minute. It fetches four times a second. */
  readonly silenceMs?: number;
}

/**
 * `waiting`: something is away and is tried again. `dead`: the client falls silent although the brokers answer, and starting it
 * anew does not help; a new process may.
 */
export type KafkaIntakeState = 'starting' | 'running' | 'waiting' | 'dead' | 'stopped';

// The client's own patience ends soon: ours begins there, and says what it waits for.
const RETRY = { initialRetryTime: 200, maxRetryTime: 5_000, retries: 5 };
const PAUSES_MS = { first: 500, longest: 10_000 };
const GOOD_RUN_MS = 60_000;
// What is away for a partition is asked for again after at most so long.
const WAITS_MS = { first: 100, longest: 2_000 };
const LONGEST_GOODBYE_MS = 10_000;
// In less time nobody deletes a topic, makes it anew and fills it as far as its reader was. One that had read all there was is held
// to a short one, since a second look costs it little; to one that is behind it would be a large fetch, and takes time itself.
const TRUSTED_MS = { caughtUp: 100, behind: 5_000 };
const LONGEST_SILENCE_MS = 60_000;
// More of them than this, within so many times the longest silence, and the client is taken for dead.
const SILENCES_BORNE = 2;
const SILENCES_REMEMBERED = 10;

/** Reads the configured topics into their lanes, one lane a topic-partition. */
export class KafkaIntake {
  private readonly client: KafkaClient;
  private readonly ends: PartitionEnds;
  private readonly lag: Lag;
  private readonly records: Records;
  private consumer: Consumer | null = null;
  /** The one before, until it is disconnected. */
  private retired: Consumer | null = null;
  private lanes = new Map<string, Promise<PartitionLane>>();
  /** Partitions that are not read, by the name of their lane, and why. */
  private refused = new Map<string, { readonly lane: Partition; readonly detail: string }>();
  /** What partitions wait for, by the name of their lane, before their records can be handed to the store. */
  private waits = new Map<string, string>();
  /** Why the store has not taken what it was handed, by the name of the lane; until it takes something. */
  private unstored = new Map<string, string>();
  /** Of the latest assignment. */
  private cluster: string | null = null;
  /** The taking up of the latest assignment: records may come before it is done, and wait for it. */
  private takingUp: Promise<void> = Promise.resolve();
  private stopping = false;
  private attempts = 0;
  private startedAt = 0;
  private lastSign = Date.now();
  /** When the client was found silent. */
  private silences: number[] = [];
  private watchdog: NodeJS.Timeout | null = null;
  private restart: NodeJS.Timeout | null = null;
  private status: { state: KafkaIntakeState; detail: string | null } = { state: 'starting', detail: null };

  constructor(
    private readonly store: EventStore,
    maker: EntryMaker,
    quarantine: Quarantine,
    private readonly clock: Clock,
    private readonly options: KafkaIntakeOptions,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {
    registerCodecs();
    keepBackAbortedRecords();
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
      retry: RETRY,
    });
    this.ends = new PartitionEnds(this.client);
    this.lag = new Lag(this.ends, metrics);
    this.records = new Records(maker, quarantine, clock, options, metrics, logger);
  }

  /** For health answers: what the intake is doing, and why it waits. */
  get health(): { state: KafkaIntakeState; detail: string | null } {
    if (this.recentSilences().length > SILENCES_BORNE)
      return { state: 'dead', detail: 'the client falls silent again and again' };
    const refusals = [...this.refused.values()].map(({ detail }) => detail);
    const [obstacle] = [...refusals, ...this.waits.values(), ...this.unstored.values()];
    return obstacle === undefined || !['starting', 'running'].includes(this.status.state)
      ? this.status
      : { state: 'waiting', detail: obstacle };
  }

  /** Starts in the background; a broker that is away is tried again for as long as it takes. */
  start(): void {
    this.watchdog = setInterval(() => void this.checkSilence(), Math.min(5_000, this.longestSilence / 4));
    this.watchdog.unref();
    this.lag.start();
    void this.run();
  }

  /** Lets the batch in hand become durable, leaves the group, and gives the partitions back. */
  async stop(): Promise<void> {
    this.stopping = true;
    this.lag.stop();
    if (this.watchdog !== null) clearInterval(this.watchdog);
    if (this.restart !== null) clearTimeout(this.restart);
    // The lanes first: the client waits for the batch in hand, which waits for its lane, which may wait for a store that is away.
    await Promise.all([...this.lanes.values()].map((lane) => lane.then((open) => open.close()).catch(() => undefined)));
    const client = this.consumer ?? this.retired;
    if (client !== null) await farewell(client);
    await this.takingUp;
    await this.ends.close();
    this.status = { state: 'stopped', detail: null };
  }

  private async run(): Promise<void> {
    const { kafka } = this.options;
    const consumer = this.client.consumer({
      groupId: kafka.group,
      readUncommitted: false,
      // A few thousand events: with less, the waits between two fetches are a good part of the time.
      maxBytesPerPartition: 4 * 1024 * 1024,
      // The broker waits this long for a consumer that was killed before others get its partitions. Short is safe here: one
      // that is only slow loses its lanes to the next, and the store keeps the two apart.
      sessionTimeout: 10_000,
      // A member that is alive joins within a step or two; one that does not must not keep the others waiting.
      rebalanceTimeout: 30_000,
      heartbeatInterval: 1_000,
      maxWaitTimeInMs: 250,
      // How soon partitions that were added to a topic are noticed.
      metadataMaxAge: 10_000,
      // We decide ourselves what to do after a crash; kafkajs's own restart would keep a dead assignment's state.
      retry: { ...RETRY, restartOnFailure: async () => false },
    });
    this.consumer = consumer;
    const { GROUP_JOIN, REBALANCING, CRASH, FETCH, HEARTBEAT, CONNECT } = consumer.events;
    consumer.on(GROUP_JOIN, ({ payload }) => {
      if (this.consumer !== consumer || this.stopping) return;
      this.giveUp();
      this.takingUp = this.takeUp(consumer, payload.memberAssignment);
    });
    consumer.on(REBALANCING, () => {
      if (this.consumer === consumer) this.giveUp();
    });
    consumer.on(CRASH, ({ payload }) => this.tryAgain(consumer, payload.error));
    for (const sign of [FETCH, HEARTBEAT, CONNECT, GROUP_JOIN, REBALANCING] as const) {
      consumer.on(sign, () => {
        if (this.consumer === consumer) this.lastSign = Date.now();
      });
    }
    this.startedAt = this.lastSign = Date.now();
    try {
      await consumer.connect();
      // Stopped meanwhile: it must not join the group any more.
      if (this.stopping) return await farewell(consumer);
      await consumer.subscribe({ topics: kafka.topics.map(({ topic }) => topic), fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: 4,
        eachBatch: (payload) => this.consume(consumer, payload),
      });
    } catch (error) {
      this.tryAgain(consumer, error as Error);
    }
  }

  /** On assignment the lanes say where to read on; what the group had committed does not matter. */
  private async takeUp(consumer: Consumer, assignment: Record<string, number[]>): Promise<void> {
    const { lanes: ours } = this;
    try {
      // Asked anew each time: behind the same addresses may stand another cluster by now.
      const cluster = await this.ends.cluster();
      if (this.consumer !== consumer || this.lanes !== ours) return;
      this.cluster = cluster;
      for (const [topic, partitions] of Object.entries(assignment)) {
        const lanes: PartitionLane[] = [];
        for (const partition of partitions) lanes.push(await this.laneOf({ cluster, topic, partition }));
        // Asked after the lanes: whoever had the partition before may still write to its lane, and an end that was asked before
        // would lie before the lane's, as that of a topic made anew does.
        const ends = await this.ends.of(topic);
        for (const lane of lanes) {
          const { partition } = lane;
          if (!(await this.canGoOn(consumer, lane, ends))) continue;
          this.lag.note(topic, partition, ends.get(partition)?.high ?? lane.nextOffset, lane.nextOffset);
          consumer.seek({ topic, partition, offset: lane.readFrom.toString() });
        }
      }
      this.status = { state: 'running', detail: null };
      this.logger.info({ assignment }, 'kafka partitions taken up');
    } catch (error) {
      // Another assignment came meanwhile, and has lanes of its own.
      if (!(error instanceof LaneClosed)) this.tryAgain(consumer, error as Error);
    }
  }

  private laneOf(partition: Partition): Promise<PartitionLane> {
    const name = PartitionLane.nameOf(partition);
    const open = this.lanes.get(name);
    if (open !== undefined) return open;
    const lanes = this.lanes;
    const onRetry = (reason: string): void => {
      this.logger.warn({ lane: name, reason }, 'an append has to be tried again');
      if (this.lanes === lanes) this.unstored.set(name, reason);
    };
    const onChanged = (offset: number): void =>
      this.logger.warn(
        { lane: name, offset },
        'a record that was cut is read otherwise now; it is written whole again',
      );
    const ours = (): boolean => this.lanes === lanes;
    const lane = this.patiently(name, ours, () => PartitionLane.open(this.store, partition, onRetry, onChanged));
    lanes.set(name, lane);
    lane.catch(() => lanes.delete(name));
    return lane;
  }

  /**
   * Does what a partition needs, again and again until it can be done or the partition is taken away. The group hears of this
   * member all the while: to leave it, and to join it anew, would only stop the others too.
   *
   * @throws LaneClosed the partition was taken away, or the intake is being stopped
   */
  private async patiently<T>(lane: string, ours: () => boolean, work: () => Promise<T>): Promise<T> {
    const going = (): boolean => ours() && !this.stopping;
    for (let attempt = 0; ; attempt++) {
      try {
        const done = await work();
        if (ours()) this.waits.delete(lane);
        return done;
      } catch (error) {
        const { name } = error as Error;
        if (going()) {
          this.waits.set(lane, name);
          this.logger.warn({ lane, reason: name }, 'records cannot be taken in for now');
          await pause(backOff(attempt, WAITS_MS));
        }
        if (!going()) throw new LaneClosed(`lane ${lane} was given up`, { cause: error });
      }
    }
  }

  /** Another assignment is coming: nothing that is known about the lanes' ends may outlive it. */
  private giveUp(): void {
    for (const lane of this.lanes.values()) {
      lane.then(
        (open) => open.abandon(),
        () => undefined,
      );
    }
    this.lanes = new Map();
    for (const { lane } of this.refused.values()) this.metrics.kafkaRefused.set(labelsOf(lane), 0);
    this.refused = new Map();
    this.cluster = null;
    this.waits = new Map();
    this.unstored = new Map();
  }

  /**
   * Whether a lane can go on where it ends. Records behind its end that are gone are noted in it. A partition that ends before
   * its lane does is another one under the same name: its records would be taken for ones that are stored already.
   */
  private async canGoOn(
    consumer: Consumer,
    lane: PartitionLane,
    ends: ReadonlyMap<number, PartitionEnd>,
  ): Promise<boolean> {
    const { topic, partition } = lane;
    const { low, high } = ends.get(partition) ?? { low: 0, high: lane.endOffset };
    if (lane.endOffset > high) {
      const seen = `it ends at ${high}, and ${lane.endOffset} records of it are in the ledger`;
      this.refuse(consumer, lane, `${seen}: the topic was deleted and made anew, or has lost its end`);
      return false;
    }
    // It may have been refused in an earlier assignment.
    consumer.resume([{ topic, partitions: [partition] }]);
    if (lane.readFrom < low) lane.takeAsProven();
    if (lane.nextOffset < low) await this.passOver(lane, low);
    return true;
  }

  /** Notes in a lane that what lies before an offset is gone. */
  private async passOver(lane: PartitionLane, to: number): Promise<void> {
    const { topic, partition, nextOffset: from } = lane;
    this.logger.error({ topic, partition, from, to }, 'records were gone before they were read');
    await lane.passOver(to, missedRecords(lane, from, to, this.clock));
    this.unstored.delete(lane.name);
    this.metrics.kafkaMissed.inc({ topic }, to - from);
  }

  /** Whether the broker has the last record of the lane where the lane has it, as far as it has it at all. */
  private isContinued(consumer: Consumer, lane: PartitionLane, messages: readonly KafkaMessage[]): boolean {
    const other = lane.findOther(messages);
    if (other === null) return true;
    const seen = `the record at offset ${other.offset} is not the one of that offset that is in the ledger`;
    this.refuse(consumer, lane, `${seen}: the topic was deleted and made anew, or another cluster took this one's id`);
    return false;
  }

  /** A partition that is not the one that its lane was written from is not read at all; the others go on. */
  private refuse(consumer: Consumer, lane: PartitionLane, why: string): void {
    const { topic, partition } = lane;
    const detail = `partition ${partition} of ${topic}: ${why}. It is not read; give the new topic another name`;
    this.refused.set(lane.name, { lane, detail });
    consumer.pause([{ topic, partitions: [partition] }]);
    this.metrics.kafkaRefused.set(labelsOf(lane), 1);
    this.logger.error({ topic, partition }, detail);
  }

  private async consume(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    // One that was given up and does not know it yet.
    if (this.consumer !== consumer) return;
    // A batch may have to wait for the store for longer than the session lasts. Once the group has gone on without this member,
    // it waits no more, and the client joins again.
    const heartbeats = new Heartbeats(payload.heartbeat, () => {
      if (this.consumer === consumer) this.giveUp();
    });
    try {
      await this.storeIn(consumer, payload);
    } catch (error) {
      throw heartbeats.failure ?? error;
    } finally {
      heartbeats.stop();
    }
    if (heartbeats.failure !== null) throw heartbeats.failure;
  }

  private async storeIn(consumer: Consumer, payload: EachBatchPayload): Promise<void> {
    const { topic, partition } = payload.batch;
    await this.takingUp;
    const { cluster, lanes } = this;
    // The assignment could not be taken up, or another one is coming.
    if (this.consumer !== consumer || cluster === null) return;
    const place = { cluster, topic, partition };
    try {
      const lane = await this.laneOf(place);
      try {
        return await this.storeBatch(consumer, payload, lane);
      } catch (error) {
        // Whatever it was: the next try begins at what the store says. What this one has under way comes before that, or not at all.
        lane.abandon();
        lanes.delete(lane.name);
        if (!passes(error)) throw error;
        if (this.lanes === lanes) this.unstored.set(lane.name, error.name);
        this.logger.warn(
          { lane: lane.name, reason: error.name },
          'records could not be stored in time; they are read again',
        );
      }
      this.readAgain(consumer, await this.laneOf(place));
    } catch (error) {
      // The partition was taken away in the middle. Whoever has it now reads on from the lane's end.
      if (error instanceof LaneClosed && this.lanes !== lanes) return;
      throw error;
    }
  }

  private async storeBatch(consumer: Consumer, payload: EachBatchPayload, lane: PartitionLane): Promise<void> {
    const { batch, resolveOffset, isRunning, isStale } = payload;
    const { topic, partition, messages } = batch;
    const first = Number(batch.firstOffset() ?? 0);
    const high = Number(batch.highWatermark);
    if (this.refused.has(lane.name)) return;
    // That the topic is still the same is known of this moment: storing may take long, and another be in its place by then.
    const at = Date.now();
    const before = this.read.get(lane);
    const trusted = before?.caughtUp === true ? TRUSTED_MS.caughtUp : TRUSTED_MS.behind;
    if (before !== undefined && at - before.at > trusted && lane.doubt() && first > lane.readFrom) {
      this.readAgain(consumer, lane);
      return;
    }
    if (high < lane.endOffset || first > lane.readFrom) {
      // Fetched from a committed offset before the seek took hold; records that are gone; or a gap that compaction or a
      // transaction has left, which only the beginning of the partition can tell from them.
      if (!(await this.canGoOn(consumer, lane, await this.ends.of(topic)))) return;
      if (first > lane.readFrom && before === undefined) {
        this.readAgain(consumer, lane);
        return;
      }
    }
    if (!this.isContinued(consumer, lane, messages)) return;
    const fresh = messages.findIndex(({ offset }) => !lane.holds(Number(offset)));
    // Compaction has taken the rest of a record whose beginning is stored.
    if (lane.endsInside && fresh !== -1 && Number(messages[fresh]!.offset) > lane.nextOffset)
      await this.passOver(lane, lane.nextOffset + 1);
    // One step is stored while the next is made ready. Only one append of a lane is ever under way, so that a failure leaves
    // nothing behind it stored, and the lane's own queue stays empty whatever it bounds.
    const ours = (): boolean => lane.failure === null;
    let storing = Promise.resolve();
    try {
      for (const step of fresh === -1 ? [] : stepsOf(messages, fresh)) {
        if (!isRunning() || isStale()) break;
        const ready = await this.patiently(lane.name, ours, () => this.records.makeReady(lane, step));
        await storing;
        storing = this.records.store(lane, ready).then(() => {
          this.unstored.delete(lane.name);
          resolveOffset(step.at(-1)!.offset);
        });
        // Awaited above or below, in a later turn of the event loop than it may fail in.
        storing.catch(() => undefined);
      }
    } finally {
      // The next step may fail while one is being stored. The lane knows where it stands only when that is settled.
      await storing;
    }
    if (!isRunning() || isStale()) return;
    const last = messages.at(-1);
    if (last !== undefined) resolveOffset(last.offset);
    this.read.set(lane, { at, caughtUp: Number(batch.lastOffset()) + 1 >= high });
    this.lag.note(topic, partition, high, lane.nextOffset);
    // For lag monitoring by others only: a failure here changes nothing, and nobody waits for it.
    void consumer.commitOffsets([{ topic, partition, offset: lane.nextOffset.toString() }]).catch(() => undefined);
  }

  /** Of lanes whose consumer was positioned in this assignment: when what was last read came, and whether that was all there was. */
  private readonly read = new WeakMap<PartitionLane, { readonly at: number; readonly caughtUp: boolean }>();

  /** What comes next begins where the lane wants to be read from. */
  private readAgain(consumer: Consumer, lane: PartitionLane): void {
    const { topic, partition } = lane;
    this.read.set(lane, { at: Date.now(), caughtUp: false });
    consumer.seek({ topic, partition, offset: lane.readFrom.toString() });
  }

  /**
   * A client can stop without an error and without a word; then nothing else would ever notice. It is started anew, and that is
   * held against it only if the brokers answer another connection: what they do not answer, no new process would find better.
   */
  private async checkSilence(): Promise<void> {
    const { consumer, lastSign } = this;
    if (consumer === null || Date.now() - lastSign < this.longestSilence) return;
    const brokersAnswer = await this.ends.answer(this.options.kafka.topics[0]!.topic);
    if (this.consumer !== consumer || this.lastSign !== lastSign) return;
    if (brokersAnswer) this.silences = [...this.recentSilences(), Date.now()];
    const seconds = Math.round(this.longestSilence / 1000);
    const who = brokersAnswer ? 'the client has' : 'client and brokers have';
    this.tryAgain(consumer, new KafkaSilence(`${who} given no sign of life for ${seconds} s`));
  }

  private get longestSilence(): number {
    return this.options.silenceMs ?? LONGEST_SILENCE_MS;
  }

  private recentSilences(): number[] {
    const since = Date.now() - SILENCES_REMEMBERED * this.longestSilence;
    return this.silences.filter((time) => time >= since);
  }

  private tryAgain(consumer: Consumer, error: Error): void {
    if (this.stopping || this.consumer !== consumer) return;
    this.consumer = null;
    this.retired = consumer;
    this.giveUp();
    // One that fails soon after every start must not stop the rest of its group every time.
    if (Date.now() - this.startedAt > GOOD_RUN_MS) this.attempts = 0;
    const milliseconds = backOff(this.attempts++, PAUSES_MS);
    const detail = error instanceof LaneClosed ? 'the lanes were given up' : causeOf(error);
    this.status = { state: 'waiting', detail };
    this.logger.warn({ detail, retryInMs: milliseconds }, 'kafka intake stopped; it will be started again');
    const gone = farewell(consumer);
    this.restart = setTimeout(() => void gone.then(() => (this.stopping ? undefined : this.run())), milliseconds);
  }

  private relayLog(level: KafkaLogLevel, namespace: string, message: string): void {
    if (level === logLevel.ERROR) this.logger.debug({ namespace }, message);
  }
}

/** The client was found silent. */
class KafkaSilence extends Error {
  override readonly name = 'KafkaSilence';
}

function labelsOf({ topic, partition }: Partition): { topic: string; partition: number } {
  return { topic, partition };
}

/** Disconnects a client; one that hangs even in that is left to itself, since the store keeps it apart from the next. */
async function farewell(consumer: Consumer): Promise<void> {
  const disconnected = consumer.disconnect().catch(() => undefined);
  await within(LONGEST_GOODBYE_MS, disconnected, () => undefined);
}

/** What lies beneath the client's own errors. One of ours says what to do, and what lies beneath that only confuses. */
function causeOf(error: Error): string {
  const cause = (error as { cause?: unknown }).cause;
  const ours = [CodecMissing, KafkaSilence, ClusterUnnamed].some((kind) => error instanceof kind);
  if (cause instanceof Error && cause !== error && !ours) return causeOf(cause);
  // Anybody may ask for health. The client's errors name brokers and topics; of the others only the kind is told.
  return ours || error.name.startsWith('KafkaJS') ? error.message : error.name;
}

import type { KafkaMessage } from 'kafkajs';
import { LaneTakenOver, type NewEntry } from '@sijill/event-store';
import type { Clock, KafkaConfig, Logger, Metrics } from '@sijill/platform';
import { looksPersonal } from '@sijill/vault';
import type { EntryMaker } from '../entry-maker.js';
import { prepareRecords, type ArrivedRecord } from '../prepare-records.js';
import type { Quarantine } from '../quarantine/quarantine.js';
import type { IntakeLimits } from '../read-event.js';
import { kafkaArrival, type PartitionLane } from './partition-lane.js';
import { readRecord } from './read-record.js';

// Small steps keep other lanes' turns short, whatever a fetch brings.
const RECORDS_A_STEP = 500;
const BYTES_A_STEP = 1024 * 1024;

/** A run of records of one partition, with the entries that were made of each. */
export interface ReadyRecords {
  readonly messages: readonly KafkaMessage[];
  readonly arrived: readonly ArrivedRecord[];
  readonly entries: readonly NewEntry[][];
}

/** Cuts what a fetch has brought into runs that are made ready and stored at once, from one record on. */
export function* stepsOf(messages: readonly KafkaMessage[], start: number): Generator<KafkaMessage[]> {
  let from = start;
  let bytes = 0;
  for (let i = start; i < messages.length; i++) {
    bytes += messages[i]!.value?.length ?? 0;
    if (i + 1 - from < RECORDS_A_STEP && bytes < BYTES_A_STEP && i + 1 < messages.length) continue;
    yield messages.slice(from, i + 1);
    from = i + 1;
    bytes = 0;
  }
}

/** Makes records into entries of their lane, and counts what came of them. */
export class Records {
  private readonly warnedTopics = new Set<string>();

  constructor(
    private readonly maker: EntryMaker,
    private readonly quarantine: Quarantine,
    private readonly clock: Clock,
    private readonly options: {
      readonly kafka: KafkaConfig;
      readonly limits: IntakeLimits;
      readonly defaultRegion: string;
    },
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {}

  /** @throws DatabaseUnavailable and whatever else is no fault of a record */
  async makeReady({ topic, partition }: PartitionLane, messages: readonly KafkaMessage[]): Promise<ReadyRecords> {
    const { kafka, limits, defaultRegion } = this.options;
    const producer = kafka.topics.find((subscribed) => subscribed.topic === topic)?.producer ?? null;
    const context = { limits, defaultRegion, now: this.clock.now() };
    const arrived = messages.map((message): ArrivedRecord => {
      const reading = readRecord(message, context);
      const arrival = kafkaArrival(topic, partition, Number(message.offset));
      return { reading, value: message.value, headers: message.headers ?? {}, provenance: { producer, arrival } };
    });
    return { messages, arrived, entries: await prepareRecords(arrived, this.maker, this.quarantine) };
  }

  /** Returns once they are durable. @throws LaneTakenOver | LaneClosed */
  async store(lane: PartitionLane, { messages, arrived, entries }: ReadyRecords): Promise<void> {
    const { topic, partition } = lane;
    try {
      await lane.append(Number(messages[0]!.offset), Number(messages.at(-1)!.offset), entries);
    } catch (error) {
      if (error instanceof LaneTakenOver)
        this.logger.error({ topic, partition }, 'another consumer has this lane; giving the partition up');
      throw error;
    }
    for (const { key } of messages) this.watchKey(topic, key);
    let events = 0;
    for (const { reading } of arrived) {
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
}

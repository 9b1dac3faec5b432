import type { KafkaMessage } from 'kafkajs';
import type { Speaker } from '@sijill/contracts';
import { LaneTakenOver } from '@sijill/event-store';
import type { Clock, KafkaConfig, Logger, Metrics } from '@sijill/platform';
import { looksPersonal } from '@sijill/vault';
import type { ReadyEntry } from '../cut-record.js';
import type { EntryMaker } from '../entry-maker.js';
import { prepareRecords, type ArrivedRecord } from '../prepare-records.js';
import { PRODUCER_UNKNOWN } from '../producer-unknown.js';
import type { Quarantine } from '../quarantine/quarantine.js';
import type { IntakeLimits } from '../read-event.js';
import { kafkaArrival, type PartitionLane } from './partition-lane.js';
import { readRecord, type KafkaRecord, type RecordReading } from './read-record.js';

// Small steps keep other lanes' turns short, whatever a fetch brings.
const RECORDS_A_STEP = 500;
const BYTES_A_STEP = 1024 * 1024;

/**
 * Who speaks in a topic, as the register of producers has it at this moment; null where its owner is not registered, or retired.
 *
 * @throws DatabaseUnavailable
 */
export type SpeakerFor = (topic: string) => Promise<Speaker | null>;

export interface RecordsOptions {
  readonly kafka: KafkaConfig;
  readonly limits: IntakeLimits;
  readonly defaultRegion: string;
  readonly speakerFor: SpeakerFor;
}

/** A run of records of one partition, with the entries that were made of each. */
export interface ReadyRecords {
  readonly messages: readonly KafkaMessage[];
  readonly arrived: readonly ArrivedRecord[];
  readonly entries: readonly (readonly ReadyEntry[])[];
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
    private readonly options: RecordsOptions,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {}

  /**
   * Who speaks in the topic is asked for each run of records, and remembered no longer: what a producer may say ends with its
   * retirement.
   *
   * @throws DatabaseUnavailable and whatever else is no fault of a record
   */
  async makeReady(lane: PartitionLane, messages: readonly KafkaMessage[]): Promise<ReadyRecords> {
    const { topic } = lane;
    const { kafka, limits, defaultRegion, speakerFor } = this.options;
    const known = await speakerFor(topic);
    const speaker = known ?? nobody(kafka.topics.find((subscribed) => subscribed.topic === topic)?.producer ?? topic);
    const context = { limits, defaultRegion, now: this.clock.now(), speaker };
    const read = (record: KafkaRecord): RecordReading =>
      known === null ? unheard(readRecord(record, context)) : readRecord(record, context);
    const arrived = messages.map((message): ArrivedRecord => {
      const provenance = { speaker, principal: `topic/${topic}`, arrival: kafkaArrival(lane, message) };
      return { reading: read(message), value: message.value, headers: message.headers ?? {}, provenance };
    });
    return { messages, arrived, entries: await prepareRecords(arrived, this.maker, this.quarantine) };
  }

  /** Returns once they are durable. @throws LaneTakenOver | LaneClosed | StoreUnavailable | OutcomeUnknown | StoreRefused */
  async store(lane: PartitionLane, { messages, arrived, entries }: ReadyRecords): Promise<void> {
    const { topic, partition } = lane;
    try {
      await lane.append(messages, entries);
    } catch (error) {
      if (error instanceof LaneTakenOver)
        this.logger.error({ topic, partition, err: error }, 'this consumer has lost the lane; giving the partition up');
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

/** A record that came under a name that says nothing here: kept as it came, whatever it holds. */
function unheard({ identity }: RecordReading): RecordReading {
  return { errors: [PRODUCER_UNKNOWN], identity };
}

/** The owner that a topic was given, without a right: only its quarantined records bear the name. */
function nobody(producer: string): Speaker {
  return { producer, realm: 'default', mayLink: false, sources: [] };
}

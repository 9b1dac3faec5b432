import { kafkaLane, Lane, type EventStore, type JsonObject, type NewEntry } from '@sijill/event-store';
import { CutRecord, type ReadyEntry } from '../cut-record.js';

/** A partition of a topic, of one cluster: the same names in another cluster are another partition. */
export interface Partition {
  /** As the brokers tell it. */
  readonly cluster: string;
  readonly topic: string;
  readonly partition: number;
}

/** Where a record stands, and what tells it from another one that came to stand there. Offsets stay far below 2^53. */
export interface StoredRecord {
  readonly offset: number;
  /** The record's own, in milliseconds since the Unix epoch; -1 where a producer gave none. */
  readonly timestamp: number;
  /** Bytes of the value; 0 for none. */
  readonly size: number;
}

/** A record as the client hands it over, as far as its place is concerned. */
export interface PlacedRecord {
  readonly offset: string;
  /** Of records in the oldest form there is none. */
  readonly timestamp?: string;
  readonly value: Buffer | null;
}

/**
 * The lane of one topic-partition, and the exactly-once argument of the Kafka intake.
 *
 * Every entry carries the offset it came from, the lane has one writer with an exact expected revision, and offsets in it only
 * rise. So the lane's own end says which record comes next; what Kafka remembers as committed is for lag monitoring only. A
 * crash before an append is durable leaves the lane's end where it was, and the records are fetched again; a crash after it
 * moves the end, and they are not.
 */
export class PartitionLane implements Partition {
  readonly cluster: string;
  readonly topic: string;
  readonly partition: number;
  private next: number;
  /** The record at `next`, of which some entries are stored already: a large event may be cut by a crash between two appends. */
  private cut: CutRecord | null;
  /** The last record that is in the lane, or has begun to be; null where nothing is known of what stands before `next`. */
  private last: StoredRecord | null;
  /** Whether the broker was seen to have that very record there. */
  private proven = false;
  private busy = false;

  /** The name of its stream. */
  readonly name: string;

  private constructor(
    private readonly lane: Lane,
    { cluster, topic, partition }: Partition,
    private readonly onChanged: (offset: number) => void,
  ) {
    this.cluster = cluster;
    this.topic = topic;
    this.partition = partition;
    this.name = lane.name;
    const end = lane.endAtOpening;
    const kafka = end?.metadata['kafka'] as ({ offset: number } & Partial<StoredRecord>) | undefined;
    this.cut = CutRecord.at(end);
    this.next = kafka === undefined ? 0 : kafka.offset + (this.cut === null ? 1 : 0);
    // An entry for what was missed stands for records that nobody has seen.
    this.last =
      kafka?.timestamp === undefined || kafka.size === undefined
        ? null
        : { offset: kafka.offset, timestamp: kafka.timestamp, size: kafka.size };
  }

  static nameOf({ cluster, topic, partition }: Partition): string {
    return kafkaLane(cluster, topic, partition);
  }

  /**
   * @param onRetry   called when an append has to be tried again, with the reason's name
   * @param onChanged called when a record that was cut is written whole again, since other entries are made of it now
   */
  static async open(
    store: EventStore,
    of: Partition,
    onRetry: (reason: string) => void,
    onChanged: (offset: number) => void = () => undefined,
  ): Promise<PartitionLane> {
    const lane = await Lane.open(store, PartitionLane.nameOf(of), {
      onOtherWriter: 'stop',
      whenFull: 'wait',
      onRetry,
    });
    return new PartitionLane(lane, of, onChanged);
  }

  /** The offset of the first record that is not wholly in the lane. */
  get nextOffset(): number {
    return this.next;
  }

  /**
   * Where reading begins: at the last record in the lane, until it is known whether the broker still has that very record there,
   * then behind it.
   */
  get readFrom(): number {
    return this.last === null || this.proven ? this.next : this.last.offset;
  }

  /** The offset behind the last record that is in the lane, wholly or not: how far the partition must reach at least. */
  get endOffset(): number {
    return this.cut === null ? this.next : this.next + 1;
  }

  /** Whether the beginning of the record at `nextOffset` is in the lane, and not its end. */
  get endsInside(): boolean {
    return this.cut !== null;
  }

  get failure(): Error | null {
    return this.lane.failure;
  }

  /** Whether a record is in the lane already and must not be written again. */
  holds(offset: number): boolean {
    return offset < this.next;
  }

  /**
   * Holds what was read against the last record in the lane, whenever that is among it: on taking up the partition always.
   *
   * A topic that was deleted and made anew, or another cluster behind the id of this one, has other records at the same offsets:
   * they would be passed over as stored already, and what follows would be taken for a continuation.
   *
   * @param records as they were read, from `readFrom` on or from before it
   * @returns what stands in the place of the last record, or null: it is there, it is gone as compaction leaves it, or it was not
   *   reached yet
   */
  findOther(records: readonly PlacedRecord[]): StoredRecord | null {
    const { last } = this;
    if (last === null || Number(records.at(-1)?.offset ?? -1) < last.offset) return null;
    const there = records.find(({ offset }) => Number(offset) === last.offset);
    if (there !== undefined) {
      const found = storedRecord(there);
      if (found.timestamp !== last.timestamp || found.size !== last.size) return found;
    }
    this.proven = true;
    return null;
  }

  /** The broker does not have the last record any more: there is nothing to hold it against. */
  takeAsProven(): void {
    this.proven = true;
  }

  /** Reading begins at the last record again. @returns false where it does so already, or there is none */
  doubt(): boolean {
    if (this.last === null || !this.proven) return false;
    this.proven = false;
    return true;
  }

  /**
   * Makes the entries of a run of records durable.
   *
   * @param records  in their order
   * @param prepared the entries of each record
   * @throws LaneTakenOver another consumer has the partition
   * @throws StoreUnavailable | OutcomeUnknown not settled in time: where the lane ends is not known here any more; abandon it, and open
   *   it anew
   */
  async append(records: readonly PlacedRecord[], prepared: readonly (readonly ReadyEntry[])[]): Promise<void> {
    const first = Number(records[0]!.offset);
    const last = storedRecord(records.at(-1)!);
    this.assertFree(first);
    const [begun = [], ...others] = prepared;
    let missing = begun;
    if (this.cut !== null && first === this.next) {
      const { entries, differs } = this.cut.rest(begun);
      missing = entries;
      if (differs) this.onChanged(first);
    }
    await this.write([...missing, ...others.flat()], last.offset + 1, last);
  }

  /**
   * Puts an entry into the lane for records that are gone, and goes on behind them.
   *
   * @param to the offset of the first record that is there again
   * @throws LaneTakenOver another consumer has the partition
   */
  async passOver(to: number, entry: NewEntry): Promise<void> {
    this.assertFree(to);
    await this.write([entry], to, null);
  }

  /**
   * Offsets only rise, and only one append is under way: `next` is true only between appends. Whoever breaks that would write
   * records twice, under the right revision, where the store's fence sees nothing.
   */
  private assertFree(offset: number): void {
    if (this.busy || offset < this.next)
      throw new Error(`offset ${offset} of ${this.topic}/${this.partition} comes out of turn`);
  }

  private async write(entries: readonly ReadyEntry[], next: number, last: StoredRecord | null): Promise<void> {
    this.busy = true;
    try {
      await this.lane.append(entries);
      this.next = next;
      this.last = last;
      this.proven = true;
      this.cut = null;
    } finally {
      this.busy = false;
    }
  }

  abandon(): void {
    this.lane.abandon();
  }

  close(): Promise<void> {
    return this.lane.close();
  }
}

function storedRecord({ offset, timestamp, value }: PlacedRecord): StoredRecord {
  return { offset: Number(offset), timestamp: Number(timestamp ?? -1), size: value?.length ?? 0 };
}

/** Where a Kafka record stood, as its entries keep it. */
export function kafkaArrival({ cluster, topic, partition }: Partition, record: PlacedRecord): JsonObject {
  return { kafka: { cluster, topic, partition, ...storedRecord(record) } };
}

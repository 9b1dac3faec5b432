import { Lane, type EventStore, type JsonObject, type NewEntry } from '@sijill/event-store';

/**
 * The lane of one topic-partition, and the exactly-once argument of the Kafka intake.
 *
 * Every entry carries the offset it came from, the lane has one writer with an exact expected revision, and offsets in it only
 * rise. So the lane's own end says which record comes next; what Kafka remembers as committed is for lag monitoring only. A
 * crash before an append is durable leaves the lane's end where it was, and the records are fetched again; a crash after it
 * moves the end, and they are not.
 */
export class PartitionLane {
  private next: number;
  /** Entries of the record at `next` that are stored already: a large event may be cut by a crash between two appends. */
  private skip: number;
  private busy = false;

  /** The name of its stream. */
  readonly name: string;

  private constructor(
    private readonly lane: Lane,
    readonly topic: string,
    readonly partition: number,
  ) {
    this.name = lane.name;
    const end = lane.endAtOpening;
    const kafka = end?.metadata['kafka'] as { offset: number } | undefined;
    const part = end?.metadata['part'] as { index: number; of: number } | undefined;
    if (kafka === undefined) {
      this.next = 0;
      this.skip = 0;
    } else if (part !== undefined && part.index + 1 < part.of) {
      this.next = kafka.offset;
      this.skip = part.index + 1;
    } else {
      this.next = kafka.offset + 1;
      this.skip = 0;
    }
  }

  static nameOf(topic: string, partition: number): string {
    return `ledger-${topic}-${partition}`;
  }

  static async open(
    store: EventStore,
    topic: string,
    partition: number,
    onRetry: (reason: string) => void,
  ): Promise<PartitionLane> {
    const lane = await Lane.open(store, PartitionLane.nameOf(topic, partition), {
      onForeignWrite: 'stop',
      whenFull: 'wait',
      onRetry,
    });
    return new PartitionLane(lane, topic, partition);
  }

  /** The offset of the first record that is not wholly in the lane. */
  get nextOffset(): number {
    return this.next;
  }

  get failure(): Error | null {
    return this.lane.failure;
  }

  /** Whether a record is in the lane already and must not be written again. */
  holds(offset: number): boolean {
    return offset < this.next;
  }

  /**
   * Makes the entries of a run of records durable.
   *
   * @param first    the offset of the first of these records
   * @param last     that of the last
   * @param prepared the entries of each record
   * @throws LaneTakenOver another consumer has the partition
   */
  async append(first: number, last: number, prepared: readonly NewEntry[][]): Promise<void> {
    this.assertFree(first);
    // Of the record that was cut, its first part is there.
    const stored = first === this.next ? this.skip : 0;
    await this.write(prepared.flat().slice(stored), last + 1);
  }

  /**
   * Puts an entry into the lane for records that are gone, and goes on behind them.
   *
   * @param to the offset of the first record that is there again
   * @throws LaneTakenOver another consumer has the partition
   */
  async passOver(to: number, entry: NewEntry): Promise<void> {
    this.assertFree(to);
    await this.write([entry], to);
  }

  /**
   * Offsets only rise, and only one append is under way: `next` is true only between appends. Whoever breaks that would write
   * records twice, under the right revision, where the store's fence sees nothing.
   */
  private assertFree(offset: number): void {
    if (this.busy || offset < this.next)
      throw new Error(`offset ${offset} of ${this.topic}/${this.partition} comes out of turn`);
  }

  private async write(entries: readonly NewEntry[], next: number): Promise<void> {
    this.busy = true;
    try {
      await this.lane.append(entries);
      this.next = next;
      this.skip = 0;
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

/** Where a Kafka record stood, as its entries keep it. Offsets stay far below 2^53. */
export function kafkaArrival(topic: string, partition: number, offset: number): JsonObject {
  return { kafka: { topic, partition, offset } };
}

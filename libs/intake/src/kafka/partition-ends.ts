import type { Admin, Kafka } from 'kafkajs';

/** Where a partition begins and ends: the first offset that is there, and the one that the next record will get. */
export interface PartitionEnd {
  readonly low: bigint;
  readonly high: bigint;
}

/** Asks the brokers where partitions begin and end, over one connection for the life of the intake. */
export class PartitionEnds {
  private admin: Admin | null = null;

  constructor(private readonly client: Kafka) {}

  /** The ends of a topic's partitions now, by partition. */
  async of(topic: string): Promise<ReadonlyMap<number, PartitionEnd>> {
    const admin = (this.admin ??= this.client.admin());
    await admin.connect();
    const offsets = await admin.fetchTopicOffsets(topic);
    return new Map(offsets.map(({ partition, low, high }) => [partition, { low: BigInt(low), high: BigInt(high) }]));
  }

  async close(): Promise<void> {
    await this.admin?.disconnect().catch(() => undefined);
  }
}

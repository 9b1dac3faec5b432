import { within } from '@sijill/platform';
import type { Admin, Kafka } from 'kafkajs';

const ANSWER_MS = 5_000;

/** Where a partition begins and ends: the first offset that is there, and the one that the next record will get. Both stay far below 2^53. */
export interface PartitionEnd {
  readonly low: number;
  readonly high: number;
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
    return new Map(offsets.map(({ partition, low, high }) => [partition, { low: Number(low), high: Number(high) }]));
  }

  /** Whether the brokers answer now, within five seconds. */
  async answer(topic: string): Promise<boolean> {
    const asked = this.of(topic).then(
      () => true,
      () => false,
    );
    return within(ANSWER_MS, asked, () => false);
  }

  async close(): Promise<void> {
    await this.admin?.disconnect().catch(() => undefined);
  }
}

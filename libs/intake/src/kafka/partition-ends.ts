import { within } from '@sijill/platform';
import type { Admin, Kafka } from 'kafkajs';

const ANSWER_MS = 5_000;
// What Kafka makes is 22 characters of base64url; others' brokers have longer ones. None of these can be mistaken inside a name.
const CLUSTER_ID = /^[A-Za-z0-9._:-]{1,128}$/;

/** Lanes are named by the cluster's id, and the brokers tell none that can be one. */
export class ClusterUnnamed extends Error {
  override readonly name = 'ClusterUnnamed';
}

/** Where a partition begins and ends: the first offset that is there, and the one that the next record will get. Both stay far below 2^53. */
export interface PartitionEnd {
  readonly low: number;
  readonly high: number;
}

/** Asks the brokers which cluster they are and where partitions begin and end, over one connection for the life of the intake. */
export class PartitionEnds {
  private admin: Admin | null = null;

  constructor(private readonly client: Kafka) {}

  /** The id of the cluster. @throws ClusterUnnamed */
  async cluster(): Promise<string> {
    const { clusterId } = (await (await this.connected()).describeCluster()) as { clusterId?: string | null };
    if (typeof clusterId === 'string' && CLUSTER_ID.test(clusterId)) return clusterId;
    const said = clusterId === undefined || clusterId === null ? 'no cluster id' : 'a cluster id that is none';
    throw new ClusterUnnamed(
      `the brokers tell ${said}, and lanes are named by it: without one a partition could not be told from that of another ` +
        'cluster. Nothing is read until the brokers in SIJILL_KAFKA_BROKERS tell it',
    );
  }

  /** The ends of a topic's partitions now, by partition. */
  async of(topic: string): Promise<ReadonlyMap<number, PartitionEnd>> {
    const offsets = await (await this.connected()).fetchTopicOffsets(topic);
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

  private async connected(): Promise<Admin> {
    const admin = (this.admin ??= this.client.admin());
    await admin.connect();
    return admin;
  }
}

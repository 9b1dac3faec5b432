import type { Kafka } from 'kafkajs';
import { ClusterUnnamed, PartitionEnds } from './partition-ends.js';

function brokersOf(answer: object): PartitionEnds {
  const admin = { connect: async () => undefined, describeCluster: async () => answer };
  return new PartitionEnds({ admin: () => admin } as unknown as Kafka);
}

describe('the id of a cluster', () => {
  it.each(['c2lqaWxsLXRlc3RzLWthZg', 'MkU3OEVBNTcwNTJENDM2Qg', 'redpanda.4bd7e2c2-7d4c-4e0b-9d3c-3d0b7c2f8f11'])(
    'is what the brokers say: %s',
    async (clusterId) => {
      expect(await brokersOf({ clusterId }).cluster()).toBe(clusterId);
    },
  );

  it.each([
    ['none', {}],
    ['null', { clusterId: null }],
    ['an empty text', { clusterId: '' }],
    ['one with a slash, as if it were part of another lane', { clusterId: 'one/topic' }],
    ['one with a space', { clusterId: 'my cluster' }],
  ])('is never made up: %s', async (_, answer) => {
    await expect(brokersOf(answer).cluster()).rejects.toThrow(ClusterUnnamed);
    await expect(brokersOf(answer).cluster()).rejects.toThrow(/brokers tell .* Nothing is read until/);
  });
});

import { httpLane, Lane, ledgerEntry, nodeLane, type EventStore } from '@sijill/event-store';
import { describeWithKafkaProcess } from '../support/kafka/describe-with-kafka-process.js';
import { KafkaLedger, offsetsOf } from '../support/kafka/kafka-ledger.js';
import { createTopics } from '../support/kafka/topics.js';

// A broker of its own: the names are those that once met those of other lanes.
describeWithKafkaProcess('lanes of topics', (kafka) => {
  const writeTo = async (store: EventStore, name: string): Promise<number> => {
    const lane = await Lane.open(store, name, { onOtherWriter: 'stop', whenFull: 'refuse' });
    await lane.append([ledgerEntry('test.entry', Date.now(), {})]);
    await lane.close();
    return (await Lane.open(store, name, { onOtherWriter: 'stop', whenFull: 'refuse' })).endAtOpening!.revision;
  };

  it.each([
    ['http', 0, httpLane('0')],
    ['service-node', 1, nodeLane('node-1')],
    ['node', 1, nodeLane('1')],
  ])(
    'are not those of servers, whatever a topic is called: %s, partition %i, beside %s',
    async (topic, partition, beside) => {
      const { brokers } = kafka();
      await createTopics(brokers, [topic], { partitions: 2 });
      const over = await KafkaLedger.open({ brokers, topic });
      try {
        expect(await writeTo(over.ledger.store, beside)).toBe(0);
        await over.send(3, partition);
        over.start();
        expect(offsetsOf(await over.stored(3, partition))).toEqual([0, 1, 2]);
        expect(await writeTo(over.ledger.store, beside)).toBe(1);
        expect(over.laneOf(partition)).toBe(`ledger-kafka/${over.cluster}/${topic}/${partition}`);
        expect(over.intakes[0]!.health).toEqual({ state: 'running', detail: null });
      } finally {
        await over.close();
      }
    },
    60_000,
  );
});

import { OutcomeUnknown, type EventStore } from '@sijill/event-store';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { KafkaLedger, offsetsOf, range, sequencesOf } from '../support/kafka/kafka-ledger.js';
import { startEventStoreDbStandIn, type StandIn } from '../support/eventstoredb/stand-in.js';

/** What becomes of an append to the lane: nothing special, or it fails without having been stored, or after it was. */
type Fate = 'well' | 'failed and not stored' | 'failed but stored';

// Three steps make a batch of this many records.
const RECORDS = 1_300;
const FATES: Record<string, readonly Fate[]> = {
  'failed and not stored': ['well', 'failed and not stored'],
  'failed but stored': ['well', 'failed but stored'],
  'both, one after the other': [
    'failed but stored',
    'failed and not stored',
    'failed and not stored',
    'failed but stored',
  ],
};

describeWithKafka('an append that fails in the middle of a Kafka batch', (kafka) => {
  let topic: string;
  let over: KafkaLedger;
  afterEach(() => over.close());

  const takeIn = async (): Promise<void> => {
    await over.send(RECORDS);
    over.start();
    await over.stored(RECORDS);
    await over.stop();
    const entries = await over.lane();
    expect(offsetsOf(entries)).toEqual(range(0, RECORDS));
    expect(sequencesOf(entries)).toEqual(range(0, RECORDS));
  };

  it.each(Object.entries(FATES))(
    'embedded store: %s',
    async (_, fates) => {
      topic = await kafka.freshTopic();
      const left = [...fates];
      over = await KafkaLedger.open({
        brokers: kafka.brokers,
        topic,
        around: (store, lane) => withFates(store, lane, left),
      });
      await takeIn();
      expect(left).toEqual([]);
    },
    60_000,
  );

  describe('EventStoreDB', () => {
    let standIn: StandIn;
    beforeEach(async () => {
      standIn = await startEventStoreDbStandIn();
    });
    afterEach(() => standIn.stop());

    it.each(Object.entries(FATES))(
      '%s',
      async (_, fates) => {
        topic = await kafka.freshTopic();
        const env = { SIJILL_EVENT_STORE: standIn.connectionString };
        over = await KafkaLedger.open({ brokers: kafka.brokers, topic, env });
        for (const fate of fates) {
          const fault =
            fate === 'well' ? { kind: 'late', ms: 1 } : { kind: 'drop', stored: fate === 'failed but stored' };
          standIn.faults.appends.push({ ...(fault as { kind: 'late'; ms: number }), stream: over.laneOf() });
        }
        await takeIn();
        expect(standIn.faults.appends).toEqual([]);
      },
      60_000,
    );
  });
});

/** A real store whose next appends to one stream have these fates. */
function withFates(store: EventStore, stream: string, fates: Fate[]): EventStore {
  const append: EventStore['append'] = async (to, entries, expected) => {
    const fate = to === stream ? (fates.shift() ?? 'well') : 'well';
    if (fate === 'failed and not stored') throw new OutcomeUnknown('lost on the way there');
    const result = await store.append(to, entries, expected);
    if (fate === 'failed but stored') throw new OutcomeUnknown('lost on the way back');
    return result;
  };
  return new Proxy(store, {
    get: (real, member) => {
      if (member === 'append') return append;
      const value: unknown = Reflect.get(real, member);
      return typeof value === 'function' ? (value.bind(real) as unknown) : value;
    },
  });
}

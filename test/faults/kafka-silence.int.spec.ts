import 'reflect-metadata';
import type { KafkaIntake } from '@sijill/intake';
import { HealthController } from '../../apps/server/src/routes/health.controller.js';
import type { RunningRoles } from '../../apps/server/src/running-roles.js';
import { describeWithKafkaProcess } from '../support/kafka/describe-with-kafka-process.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { KafkaLedger, offsetsOf, range } from '../support/kafka/kafka-ledger.js';
import { createTopics } from '../support/kafka/topics.js';
import { eventually } from '../support/sijill.js';

interface Client {
  stop(): Promise<void>;
}

/** What `/health/live` answers of an intake. */
function live(intake: KafkaIntake, { ledger }: KafkaLedger): number {
  const roles = { health: () => ({ kafka: intake.health, projector: null, httpLane: null }) };
  const health = new HealthController(
    ledger.store,
    ledger.readModels,
    ledger.vault,
    roles as RunningRoles,
    {} as never,
  );
  let said = 0;
  health.live({ status: (code: number) => (said = code) } as never);
  return said;
}

describeWithKafka('a client that stops without a word', (kafka) => {
  it('is started anew; when it falls silent again and again, liveness is given up until it has lived for a while', async () => {
    const topic = await kafka.freshTopic();
    const over = await KafkaLedger.open({ brokers: kafka.brokers, topic });
    try {
      const intake = over.start({ silenceMs: 2_000 });
      // Nothing in its interface tells that it has stopped.
      const clientOf = (of: KafkaIntake) => (of as unknown as { consumer: Client | null }).consumer;
      let stopped: Client | null = null;
      let sent = 0;
      for (let silence = 1; silence <= 3; silence++) {
        await over.send(5);
        await over.stored((sent += 5));
        const client = await eventually(
          async () => clientOf(intake),
          (next) => next !== null && next !== stopped,
        );
        expect([intake.health.state, live(intake, over)]).toEqual(['running', 200]);
        await client!.stop();
        stopped = client;
      }
      await eventually(
        async () => [intake.health.state, live(intake, over)].join(),
        (said) => said === 'dead,503',
      );
      await over.send(5);
      expect(offsetsOf(await over.stored(sent + 5))).toEqual(range(0, sent + 5));
      await eventually(
        async () => [intake.health.state, live(intake, over)].join(),
        (said) => said === 'running,200',
      );
    } finally {
      await over.close();
    }
  }, 120_000);
});

describeWithKafkaProcess('brokers that take connections and answer nothing', (kafka) => {
  it('are waited for, however long: the client is not blamed, and liveness stays', async () => {
    const topic = 'privacy.activity';
    const { brokers } = kafka();
    await createTopics(brokers, [topic]);
    const over = await KafkaLedger.open({ brokers, topic });
    try {
      await over.send(5);
      const intake = over.start({ silenceMs: 2_000 });
      await over.stored(5);
      kafka().freeze();
      const { detail } = await eventually(
        async () => intake.health,
        ({ state }) => state === 'waiting',
      );
      expect(detail).toBe('client and brokers have given no sign of life for 2 s');
      expect(live(intake, over)).toBe(200);
      kafka().thaw();
      await over.send(5);
      expect(offsetsOf(await over.stored(10))).toEqual(range(0, 10));
      expect(intake.health.state).toBe('running');
    } finally {
      kafka().thaw();
      await over.close();
    }
  }, 120_000);
});

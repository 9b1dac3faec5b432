import 'reflect-metadata';
import type { KafkaIntake } from '@sijill/intake';
import { HealthController } from '../../apps/server/src/routes/health.controller.js';
import type { RunningRoles } from '../../apps/server/src/running-roles.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { KafkaLedger, offsetsOf, range } from '../support/kafka/kafka-ledger.js';
import { eventually } from '../support/sijill.js';

interface Client {
  stop(): Promise<void>;
}

describeWithKafka('a client that stops without a word', (kafka) => {
  it('is started anew; when it falls silent again and again, liveness is given up until it has lived for a while', async () => {
    const topic = await kafka.freshTopic();
    const over = await KafkaLedger.open({ brokers: kafka.brokers, topic });
    try {
      const intake = over.start({ silenceMs: 1_000 });
      // Nothing in its interface tells that it has stopped.
      const clientOf = (of: KafkaIntake) => (of as unknown as { consumer: Client | null }).consumer;
      const live = (): number => {
        const roles = { health: () => ({ kafka: intake.health, projector: null, httpLane: null }) };
        const health = new HealthController(over.ledger.store, over.ledger.readModels, roles as RunningRoles);
        let said = 0;
        health.live({ status: (code: number) => (said = code) } as never);
        return said;
      };
      let stopped: Client | null = null;
      let sent = 0;
      for (let silence = 1; silence <= 3; silence++) {
        await over.send(5);
        await over.stored((sent += 5));
        const client = await eventually(
          async () => clientOf(intake),
          (next) => next !== null && next !== stopped,
        );
        expect([intake.health.state, live()]).toEqual(['running', 200]);
        await client!.stop();
        stopped = client;
      }
      await eventually(
        async () => [intake.health.state, live()].join(),
        (said) => said === 'dead,503',
      );
      await over.send(5);
      expect(offsetsOf(await over.stored(sent + 5))).toEqual(range(0, sent + 5));
      await eventually(
        async () => [intake.health.state, live()].join(),
        (said) => said === 'running,200',
      );
    } finally {
      await over.close();
    }
  }, 120_000);
});

import { jest } from '@jest/globals';
import Database from 'better-sqlite3';
import { join } from 'node:path';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithKafka } from '../support/kafka/describe-with-kafka.js';
import { KafkaLedger, offsetsOf, range } from '../support/kafka/kafka-ledger.js';
import { eventually } from '../support/sijill.js';

const PARTITIONS = 2;
/** Longer than the ten seconds after which the group takes a silent member for dead. */
const AWAY_MS = 13_000;
/** Longer than the client's own attempts go on before it leaves the group. */
const VAULT_AWAY_MS = FULL_RUN ? 20_000 : 8_500;

describeWithKafka('what the intake stores into is away for longer than its session lasts', (kafka) => {
  let first: KafkaLedger;
  let second: KafkaLedger;

  const send = async (count: number): Promise<void> => {
    for (let partition = 0; partition < PARTITIONS; partition++) await first.send(count, partition);
  };
  const membersNow = async (): Promise<string[]> => {
    const { groups } = await first.admin((admin) => admin.describeGroups([first.config.kafka!.group]));
    const [{ state, members } = { state: 'none', members: [] }] = groups;
    return state === 'Stable' ? members.map(({ memberId }) => memberId).sort() : [state];
  };
  /** Looks at the group again and again: whoever is thrown out comes back under another name. */
  const stays = async (members: readonly string[], milliseconds: number): Promise<void> => {
    for (const until = Date.now() + milliseconds; Date.now() < until;) {
      expect(await membersNow()).toEqual(members);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };
  const healthy = async (): Promise<void> => {
    for (const { intakes } of [first, second])
      await eventually(
        async () => intakes[0]!.health,
        ({ state, detail }) => state === 'running' && detail === null,
      );
  };

  beforeEach(async () => {
    const topic = await kafka.freshTopic({ partitions: PARTITIONS });
    first = await KafkaLedger.open({ brokers: kafka.brokers, topic });
    const env = { SIJILL_DATA_DIR: first.config.dataDir };
    second = await KafkaLedger.open({ brokers: kafka.brokers, topic, env });
    first.start();
    second.start();
    await send(10);
    for (let partition = 0; partition < PARTITIONS; partition++) await first.stored(10, partition);
    await eventually(membersNow, (members) => members.length === 2);
  });
  afterEach(async () => {
    await first.close();
    await second.close();
  });

  it('the store takes nothing: its members stay in the group, say what they wait for, and go on', async () => {
    const members = await membersNow();
    const lock = new Database(join(first.config.dataDir, 'ledger.sqlite'));
    lock.exec('BEGIN IMMEDIATE');
    await send(1_000);
    await stays(members, AWAY_MS);
    for (const { intakes } of [first, second])
      expect(intakes[0]!.health).toMatchObject({
        state: 'waiting',
        detail: expect.stringMatching(/StoreUnavailable|OutcomeUnknown/),
      });
    lock.exec('ROLLBACK');
    lock.close();
    for (let partition = 0; partition < PARTITIONS; partition++)
      expect(offsetsOf(await first.stored(1_010, partition))).toEqual(range(0, 1_010));
    await healthy();
    expect(await membersNow()).toEqual(members);
  }, 120_000);

  it('the vault gives no keys: the same', async () => {
    const members = await membersNow();
    const vaults = [first, second].map(({ ledger }) =>
      jest.spyOn(ledger.maker, 'make').mockRejectedValue(new Error('the database does not answer')),
    );
    await send(1_000);
    await stays(members, VAULT_AWAY_MS);
    for (const { intakes } of [first, second])
      expect(intakes[0]!.health).toEqual({ state: 'waiting', detail: 'Error' });
    for (const vault of vaults) vault.mockRestore();
    for (let partition = 0; partition < PARTITIONS; partition++)
      expect(offsetsOf(await first.stored(1_010, partition))).toEqual(range(0, 1_010));
    await healthy();
    expect(await membersNow()).toEqual(members);
  }, 120_000);

  it('and somebody joins the group meanwhile: the partitions change hands before the store is back', async () => {
    const lock = new Database(join(first.config.dataDir, 'ledger.sqlite'));
    lock.exec('BEGIN IMMEDIATE');
    await send(1_000);
    await eventually(
      async () => first.intakes[0]!.health.state,
      (state) => state === 'waiting',
    );
    first.start();
    await eventually(membersNow, (members) => members.length === 3, 15_000);
    lock.exec('ROLLBACK');
    lock.close();
    for (let partition = 0; partition < PARTITIONS; partition++)
      expect(offsetsOf(await first.stored(1_010, partition))).toEqual(range(0, 1_010));
  }, 120_000);
});

import { mkdtempSync, renameSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { claimOf, createLogger, Metrics } from '@sijill/platform';
import { createKeyring, readKeyring, Vault } from '@sijill/vault';
import { VaultUpkeep } from './vault-upkeep.js';

const START = Date.parse('2026-07-01T00:00:00.000Z');
const DAY_MS = 86_400_000;
const SPEAKER = { producer: 'sms', realm: 'default', mayLink: true, sources: [] };

describe('the upkeep of a vault', () => {
  let folder: string;
  let now: number;
  let vault: Vault;
  let metrics: Metrics;
  const at = (name: string): string => join(folder, name);
  const claim = (): ReturnType<typeof claimOf> => claimOf({ kind: 'sqlite', file: at('vault.lock') }, 'vault');
  const upkeep = (): VaultUpkeep =>
    new VaultUpkeep(vault, {
      ...{ claim: claim(), tagDays: 400, clock: { now: () => now }, metrics },
      logger: createLogger('silent'),
    });
  const until = async (isSo: () => Promise<boolean> | boolean): Promise<void> => {
    for (const patience = Date.now() + 20_000; !(await isSo()); await pause(20))
      if (Date.now() > patience) throw new Error('still not so');
  };
  const isUpToDate = async (): Promise<boolean> =>
    (await vault.secrets.wrappedBefore()) + (await vault.directory.indexedBefore()) === 0;
  const left = async (): Promise<number[]> =>
    (await metrics.vaultKeysLeft.get()).values.map(({ value }) => value).sort((a, b) => a - b);

  beforeEach(async () => {
    [folder, now, metrics] = [mkdtempSync(join(tmpdir(), 'sijill-upkeep-')), START, new Metrics()];
    createKeyring(at('keyring.json'), '2026-07-01T00:00:00.000Z');
    const target = { kind: 'sqlite', file: at('vault.sqlite') } as const;
    vault = await Vault.open(target, readKeyring(at('keyring.json')), { now: () => now }, 'SA', 500);
    await vault.directory.resolve(
      Array.from({ length: 120 }, (_, n) => ({
        identifiers: [{ scheme: 'account', realm: 'default', value: `a-${n}`, verified: true }],
        ...{ at: START, speaker: SPEAKER, entryId: '0198a1b2-0000-7000-8000-000000000001' },
      })),
    );
  });
  afterEach(() => vault.close());

  it('brings it to new keys in the background, and says how much is left', async () => {
    await vault.rotate('wrapping');
    await vault.rotate('index');
    expect(await vault.secrets.wrappedBefore()).toBe(120);
    const running = upkeep();
    running.start();
    await until(() => running.health.detail !== null);
    expect(running.health).toEqual({
      failure: null,
      detail: expect.stringMatching(/^\d+ keys and \d+ identifiers are still to be brought to the current keys/),
    });
    await until(isUpToDate);
    await until(() => running.health.detail === null);
    expect(await left()).toEqual([0, 0]);
    await running.stop();
  });

  it('is one process’s at a time; who is stopped in the middle is followed by the next', async () => {
    const other = claim();
    expect(await other.take(() => undefined)).toBe(true);
    await vault.rotate('index');
    const running = upkeep();
    running.start();
    await until(() => running.health.detail !== null);
    await running.stop();
    expect([await left(), await vault.directory.indexedBefore()]).toEqual([[0, 120], 120]);
    await other.release();
    const next = upkeep();
    next.start();
    await until(isUpToDate);
    await next.stop();
  });

  it('destroys the keys of quarters when their time has come, also when it came while nobody was there', async () => {
    const quarterOf = async (time: number): Promise<string> => (await vault.tags.ready([time]))(time).generation;
    const times = [START - 300 * DAY_MS, START, START + 500 * DAY_MS];
    expect(await Promise.all(times.map(quarterOf))).toEqual(['2025Q3', '2026Q3', '2027Q4']);
    // The third quarter ended with September; 400 days later it is the fifth of November.
    for (const [day, expected] of [
      ['2026-11-04T23:59:59.999Z', '2025Q3'],
      ['2026-11-05T00:00:00.000Z', '2025Q4'],
      ['2030-01-01T00:00:00.000Z', '2028Q4'],
    ] as const) {
      now = Date.parse(day);
      const running = upkeep();
      running.start();
      await until(async () => (await quarterOf(times[0]!)) === expected);
      await running.stop();
    }
    expect(new Set(await Promise.all(times.map(quarterOf)))).toEqual(new Set(['2028Q4']));
  });

  it('names the key that this process cannot read, until it can', async () => {
    const elsewhere = await Vault.open(
      { kind: 'sqlite', file: at('vault.sqlite') },
      readKeyring(at('keyring.json')),
      { now: () => now },
      'SA',
      10,
    );
    const current = await elsewhere.rotate('wrapping');
    await elsewhere.close();
    renameSync(at('keyring.json'), at('away.json'));
    const running = upkeep();
    running.start();
    await until(() => running.health.failure !== null);
    expect(running.health.detail).toContain(`it lacks the wrapping key ${current}`);
    renameSync(at('away.json'), at('keyring.json'));
    await until(() => running.health.failure === null);
    await running.stop();
  });
});

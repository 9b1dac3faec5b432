import { jest } from '@jest/globals';
import * as nodeCrypto from 'node:crypto';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FULL_RUN } from '../../support/full-run.js';
import { Entropy } from './entropy.js';
import { timersPromises } from './virtual-time.js';
import type { Simulation } from './world.js';

const SEED = process.env['SIJILL_TEST_SEED'];
const SEEDS = Number(process.env['SIJILL_TEST_SEEDS'] ?? (FULL_RUN ? 5_000 : 120));
const AGAIN = FULL_RUN ? 40 : 20;

// What lies outside the product is put in its place before the product is loaded: bytes of the operating system, its timers, the
// client of Kafka. Everything else is what runs in earnest.
const entropy = new Entropy();
jest.unstable_mockModule('node:crypto', () => entropy.crypto(nodeCrypto));
jest.unstable_mockModule('node:timers/promises', () => timersPromises);
jest.unstable_mockModule('kafkajs', async () => {
  const { SimulatedKafka } = await import('./broker.js');
  return { default: { ...jest.requireActual<object>('kafkajs'), Kafka: SimulatedKafka } };
});

describe('intake, store and read models in a simulated world', () => {
  // Where it can be in memory, so that no real disk is worn: what a sync means here is the simulation's to say.
  const root = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'sijill-simulation-'));
  afterAll(() => rmSync(root, { recursive: true }));

  /** How often what broke, over all runs. */
  const troubles = new Map<string, number>();
  const prepared = async (name: string): Promise<Simulation> => {
    const { Simulation } = await import('./world.js');
    return Simulation.prepare(join(root, name), entropy);
  };
  const run = async (simulation: Simulation, seed: number): Promise<string> => {
    const { digest, faults, trace, happened } = await simulation.run(seed).catch((error: unknown) => {
      throw new Error(`seed ${seed} broke off; ${replayOf(seed)}`, { cause: error });
    });
    if (faults.length > 0 || SEED !== undefined) process.stdout.write(`${trace.join('\n')}\n`);
    if (faults.length > 0) throw new Error(`${faults.join('\n')}\nseed ${seed}; ${replayOf(seed)}`);
    for (const [what, often] of Object.entries(happened)) troubles.set(what, (troubles.get(what) ?? 0) + often);
    return digest;
  };

  if (SEED !== undefined) {
    it(`keep what they promise (seed ${SEED})`, async () => {
      process.stdout.write(`digest ${await run(await prepared('one'), Number(SEED))}\n`);
    });
    return;
  }

  it(`keep what they promise, whatever breaks (seeds 1 to ${SEEDS}), and each seed replays byte for byte`, async () => {
    const simulation = await prepared('first');
    const digests = new Map<number, string>();
    for (let seed = 1; seed <= SEEDS; seed++) digests.set(seed, await run(simulation, seed));

    process.stdout.write(`simulation: ${SEEDS} seeds, ${JSON.stringify(Object.fromEntries(troubles))}\n`);
    expect([...troubles.values()].every((often) => often > SEEDS / 10)).toBe(true);

    // The product loaded anew remembers nothing of the first time.
    jest.resetModules();
    const again = await prepared('again');
    for (let i = 1; i <= AGAIN; i++) {
      const seed = Math.ceil((i * SEEDS) / AGAIN);
      expect({ seed, digest: await run(again, seed) }).toEqual({ seed, digest: digests.get(seed) });
    }
  }, 3_600_000);
});

function replayOf(seed: number): string {
  return `replay it with: SIJILL_TEST_SEED=${seed} npm run test:only -- simulation`;
}

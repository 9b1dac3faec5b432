import { fork } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { sqlTarget } from '@sijill/ledger';
import { clockOf, parseConfig } from '@sijill/platform';
import { keyringIn, keyringPlaceOf, Vault } from '@sijill/vault';
import { BATCH, disclosed } from '../support/events.js';
import { FULL_RUN } from '../support/full-run.js';
import { seeded } from '../support/seeded.js';
import {
  eventually,
  freshDataDir,
  request,
  sijill,
  sijillJson,
  startServer,
  type TestServer,
} from '../support/sijill.js';

const KILLS = Number(process.env['SIJILL_TEST_KEYRING_KILLS'] ?? (FULL_RUN ? 50 : 2));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PROGRAM = join(import.meta.dirname, '../support/rotating.program.ts');
const PEOPLE = 300;
/** Of the kills, so many are the server's, while its keys are changed. */
const SERVERS_SHARE = 0.25;

const phoneOf = (n: number): string => `+96650000${String(n).padStart(4, '0')}`;

/** Sends, reads and remembers what was acknowledged, through whichever server runs now. */
class Traffic {
  /** By person: how many events were acknowledged, and who it is. */
  readonly events = new Map<string, number>();
  private readonly subjects = new Map<string, string>();
  private readonly stopping = new AbortController();
  private running: Promise<unknown> = Promise.resolve();
  private next = 0;

  constructor(
    public server: TestServer,
    private readonly keys: { readonly producer: string; readonly officer: string },
    private readonly random: () => number,
  ) {}

  start(): void {
    this.running = Promise.all([this.until(() => this.send()), this.until(() => this.read(this.known()))]);
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** A batch about people of whom some are new. What is not acknowledged is sent again as it is. */
  async send(known = 15, fresh = 5): Promise<void> {
    const phones = [
      ...Array.from({ length: known }, () => this.known()),
      ...Array.from({ length: fresh }, () => phoneOf((this.next += 1))),
    ];
    const body = phones.map((phone) => disclosed(phone));
    await this.answered(() => request(`${this.server.url}/v1/events`, { key: this.keys.producer, body, type: BATCH }));
    for (const phone of phones) this.events.set(phone, (this.events.get(phone) ?? 0) + 1);
  }

  /** One identifier has one subject, for ever. */
  async read(phone: string): Promise<void> {
    const body = { identifier: { scheme: 'phone', value: phone }, reason: 'test' };
    const { subjectId } = await this.answered(() =>
      request<{ subjectId: string }>(`${this.server.url}/v1/subjects/lookup`, { key: this.keys.officer, body }),
    );
    expect(this.subjects.get(phone) ?? subjectId).toBe(subjectId);
    this.subjects.set(phone, subjectId);
  }

  /** Everybody about whom something was acknowledged is there, as who was read before. */
  async compare(env: Record<string, string>): Promise<void> {
    const config = parseConfig(env);
    const keyring = await keyringIn(keyringPlaceOf(config.keyring));
    const vault = await Vault.open(sqlTarget(config, 'vault'), keyring, clockOf(config), config.defaultRegion);
    for (const value of this.events.keys()) {
      const found = await vault.directory.lookUp({ scheme: 'phone', realm: null, value });
      expect([value, found?.subjectId]).toEqual([value, this.subjects.get(value) ?? expect.any(String)]);
    }
    await vault.close();
  }

  /** Somebody about whom something was acknowledged. */
  private known(): string {
    const phones = [...this.events.keys()];
    return phones[Math.floor(this.random() * phones.length)]!;
  }

  /** The answer of a server that is up; anything but success and "come back" is a fault. */
  private async answered<T>(ask: () => Promise<{ readonly status: number; readonly body: T }>): Promise<T> {
    for (;;) {
      const answer = await ask().catch(() => null);
      if (answer !== null && answer.status !== 503) {
        expect([answer.status < 300, answer.body]).toEqual([true, answer.body]);
        return answer.body;
      }
      await pause(50);
    }
  }

  private async until(work: () => Promise<void>): Promise<void> {
    while (!this.stopping.signal.aborted) {
      await work();
      await pause(20);
    }
  }
}

describe('a keyring that changes under way', () => {
  it(
    `loses nobody, whoever is killed and when (seed ${SEED}, ${KILLS} kills)`,
    async () => {
      const random = seeded(SEED);
      // Whoever reads here reads all the time.
      let server = await startServer({ SIJILL_LIMIT_LOOKUP: '1000000' });
      const env = server.env;
      const [producer, officer] = [await server.key('producer'), await server.key('officer')];
      const traffic = new Traffic(server, { producer, officer }, random);
      await traffic.send(0, PEOPLE);
      const keyring = join(server.dataDir, 'vault', 'keyring.json');
      const yesterday = join(freshDataDir('keyring'), 'yesterday.json');
      copyFileSync(keyring, yesterday);
      const backup = join(freshDataDir('keyring'), 'backup');
      await sijillJson(['backup', backup], env);
      const counted = traffic.events.get(phoneOf(1));

      traffic.start();
      for (let kill = 0; kill < KILLS; kill++) {
        const child = fork(PROGRAM, { execArgv: ['--import', 'tsx'], env: { ...process.env, ...env } });
        await once(child, 'message');
        await pause(random() * 400);
        if (random() < SERVERS_SHARE) {
          await server.kill('SIGKILL');
          traffic.server = server = await startServer(env);
        }
        child.kill('SIGKILL');
        await once(child, 'exit');
      }
      await traffic.stop();

      // What was left half done the server finishes by itself.
      await eventually(
        () => request<string>(`${server.url}/metrics`),
        ({ body }) => /sijill_vault_keys_left\{keys="wrapping"\} 0\n/.test(body) && /keys="index"\} 0\n/.test(body),
      );
      const { droppable } = await sijillJson<{ droppable: string[] }>(['keys', 'keyring', 'rotate', 'wrapping'], env);
      for (const id of droppable) await sijillJson(['keys', 'keyring', 'drop', id], env);
      const args = (phone: string) => ['history', '--identifier', `phone:${phone}`, '--reason', 'test'];
      for (const phone of [phoneOf(1), phoneOf(2), [...traffic.events.keys()].at(-1)!]) {
        const { items } = await sijillJson<{ items: { eventId: unknown }[] }>(args(phone), env);
        expect([phone, items.length]).toEqual([phone, traffic.events.get(phone)]);
        for (const { eventId } of items) expect(eventId).toEqual(expect.any(String));
      }
      const { body: key } = await request<string>(`${server.url}/log/vkey`);
      await server.kill();
      await traffic.compare(env);
      expect(await sijillJson(['verify', 'store', '--key', key.trim()], env)).toMatchObject({ holds: true });

      // Yesterday's keyring does not open today's vault, nor today's yesterday's copy; each with its own does.
      const refused = await sijill(['serve'], { ...env, SIJILL_KEYRING_FILE: yesterday });
      expect([refused.code, refused.stderr + refused.stdout]).toEqual([
        2,
        expect.stringMatching(/lacks the (wrapping|index|tag) key [wit]-/),
      ]);
      const restored = { SIJILL_DATA_DIR: freshDataDir('restored'), SIJILL_LOG_LEVEL: 'silent' };
      const late = await sijill(['restore', backup], { ...restored, SIJILL_KEYRING_FILE: keyring });
      expect([late.code, late.stderr]).toEqual([2, expect.stringContaining('which this backup needs')]);
      const old = { ...restored, SIJILL_KEYRING_FILE: yesterday };
      await sijillJson(['restore', backup], old);
      const { items } = await sijillJson<{ items: { eventId: unknown }[] }>(args(phoneOf(1)), old);
      expect(items.map(({ eventId }) => typeof eventId)).toEqual(Array(counted).fill('string'));
    },
    240_000 + KILLS * 40_000,
  );
});

import { join } from 'node:path';
import fc from 'fast-check';
import { drainedTo, LANES, type StoredEntry } from '@sijill/event-store';
import { systemClock, type SqlTarget } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { createKeyring, readKeyring, Vault } from '@sijill/vault';
import { FULL_RUN } from '../support/full-run.js';
import type { Decided } from '../support/identity/decisions.js';
import { History } from '../support/identity/history.js';
import type { EventOrder, Order, Reply } from '../support/identity/identity.program.js';
import type { ChainEntry } from '../support/identity/read-chains.js';
import { NOW, PRODUCERS, ROUNDS, steps, type Step } from '../support/identity/steps.js';
import { MortalProcess } from '../support/mortal-process.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { seeded } from '../support/seeded.js';
import { freshDataDir } from '../support/sijill.js';
import { embeddedPlace, eventStoreDbPlace, type StorePlace } from '../support/store-places.js';

const KILLS = Number(process.env['SIJILL_TEST_IDENTITY_KILLS'] ?? (FULL_RUN ? 100 : 6));
const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const PROGRAM = join(import.meta.dirname, '../support/identity/identity.program.ts');
/** Of the steps, so many end with the death of who takes them. */
const DEADLY = 0.12;

/** One of the two processes. */
type Server = MortalProcess<Order, Reply>;

/** A little history that is told to both, with deaths in it, and to the model. */
class Run {
  readonly history: History;
  /** By the number of an event: the subject of each of its entries, in the order in which they were stored. */
  readonly stored = new Map<number, number[]>();
  kills = 0;

  constructor(
    private readonly servers: readonly [Server, Server],
    private readonly vault: Vault,
    private readonly store: StorePlace['store'],
    private readonly random: () => number,
    private readonly numbers: { next: number },
    run: string,
  ) {
    this.history = new History(run);
  }

  async take(step: Step): Promise<void> {
    const server = this.servers[step.through]!;
    const dies = this.random() < DEADLY;
    if (this.random() < 0.3) await this.drain(server, dies && this.random() < 0.5);
    if (step.kind === 'events') await this.events(step, dies);
    else await this.history.decide(step, async (decision) => (await server.obey(decision)) as Decided);
  }

  /** Whoever was not answered sends again, to the one or the other. */
  private async events(step: Step & { kind: 'events' }, dies: boolean): Promise<void> {
    const { model, met } = this.history;
    const events = this.history
      .named(step)
      .map((person): EventOrder => ({ ...person, number: (this.numbers.next += 1) }));
    let die: 'committed' | 'appended' | null = dies ? (this.random() < 0.7 ? 'committed' : 'appended') : null;
    for (let server = this.servers[step.through]!; ;) {
      // The vault has decided, whether or not anybody hears of it.
      const expected = events.map(({ identifiers, at, by }) => model.resolve(identifiers, at, PRODUCERS[by]!));
      if (die !== 'committed')
        events.forEach(({ number }, i) =>
          this.stored.set(number, [...(this.stored.get(number) ?? []), expected[i]!.subject]),
        );
      const reply = await server.obey({ do: 'events', events, die });
      if (reply !== null) {
        expected.forEach(({ subject }, i) => met.meetSubject(subject, (reply as readonly string[])[i]!));
        break;
      }
      this.kills += 1;
      die = null;
      server = this.servers[this.random() < 0.5 ? 0 : 1];
    }
    await met.meetThrough(this.vault, events);
  }

  private async drain(server: Server, dies: boolean): Promise<void> {
    const waiting = (await this.vault.outbox.pending(await drainedTo(this.store, LANES.vault), 1)).length > 0;
    if ((await server.obey({ do: 'drain', die: dies && waiting ? 'appended' : null })) === null) this.kills += 1;
  }
}

function contract(name: string, open: () => Promise<StorePlace>, target: () => Promise<SqlTarget>): void {
  describe(`who is who on ${name}, for two processes that are killed`, () => {
    it(
      `is one thing for the rules, the vault, and a reader of the store without it (seed ${SEED})`,
      async () => {
        const random = seeded(SEED);
        const [place, sql] = [await open(), await target()];
        const keyring = join(freshDataDir('identity'), 'keyring.json');
        createKeyring(keyring, '2026-07-01T00:00:00.000Z');
        const vault = await Vault.open(sql, readKeyring(keyring), { now: () => NOW }, 'SA', 500);
        const { store } = place;
        const models = await ReadModels.open(await target(), systemClock);
        const servers = [0, 1].map(
          (n) =>
            new MortalProcess<Order, Reply>(PROGRAM, [place.where, JSON.stringify(sql), keyring, `ledger-http/${n}`]),
        ) as unknown as readonly [Server, Server];
        const numbers = { next: 0 };
        const runs: Run[] = [];
        try {
          for (let kills = 0; kills < KILLS; kills += runs.at(-1)!.kills) {
            const run = new Run(servers, vault, store, random, numbers, `k${runs.length}`);
            runs.push(run);
            const [happening] = fc.sample(steps, { numRuns: 1, seed: SEED + runs.length }) as [Step[]];
            for (const step of [...happening, ...ROUNDS]) await run.take(step);
            await models.catchUp(store);
          }
          await servers[0].obey({ do: 'drain', die: null });
          const all: StoredEntry[] = [];
          for await (const batch of store.readAll()) all.push(...batch);
          expect(all.filter(({ foreign }) => foreign)).toEqual([]);
          expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);

          const told = all.filter(({ stream }) => stream === LANES.vault) as unknown as ChainEntry[];
          const found = new Map<number, string[]>();
          for (const { metadata, data } of all) {
            const number = Number(metadata['sequence']);
            if (!Number.isNaN(number)) found.set(number, [...(found.get(number) ?? []), data['subjectId'] as string]);
          }
          for (const {
            history: { met },
            stored,
          } of runs) {
            await met.compare(vault, told);
            for (const [number, subjects] of stored)
              expect([number, found.get(number)]).toEqual([number, met.ids(subjects)]);
          }
          expect(found.size).toBe(numbers.next);

          // Made anew from the store, on either database, the read models are what they became beside it.
          await models.catchUp(store);
          const digest = await models.digest();
          for (const anew of [
            await target(),
            { kind: 'sqlite', file: join(freshDataDir('anew'), 'models.sqlite') } as const,
          ]) {
            const fresh = await ReadModels.open(anew, systemClock);
            await fresh.catchUp(store);
            expect(await fresh.digest()).toBe(digest);
            await fresh.close();
          }
        } finally {
          for (const server of servers) await server.stop();
          await models.close();
          await vault.close();
          await place.stop();
        }
      },
      60_000 + KILLS * 20_000,
    );
  });
}

const sqlite = async (): Promise<SqlTarget> => ({ kind: 'sqlite', file: join(freshDataDir('identity'), 'db.sqlite') });

contract('the embedded store and SQLite', embeddedPlace, sqlite);

describeWithPostgres('with PostgreSQL', (postgres) => {
  contract('EventStoreDB and PostgreSQL', eventStoreDbPlace, async () => ({
    kind: 'postgresql',
    url: await postgres.freshDatabase('identity'),
  }));
});

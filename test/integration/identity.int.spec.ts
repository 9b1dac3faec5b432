import { join } from 'node:path';
import fc from 'fast-check';
import type { SqlTarget } from '@sijill/platform';
import { createKeyring, readKeyring, Vault } from '@sijill/vault';
import { decide } from '../support/identity/decisions.js';
import { History } from '../support/identity/history.js';
import type { ChainEntry } from '../support/identity/read-chains.js';
import { identifiersOf, MOMENTS, NOW, PRODUCERS, ROUNDS, steps, type Step } from '../support/identity/steps.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';

/** Two vaults over one database, as two servers have it, each with a memory of its own. */
class TwoServers {
  /** Runs do not meet: each has identifiers of its own. */
  runs = 0;
  /** Entries up to this number of the outbox belong to runs that are over. */
  read = 0;
  private constructor(
    readonly vaults: readonly [Vault, Vault],
    private readonly keyringFile: string,
    private readonly target: SqlTarget,
  ) {}

  static async start(target: SqlTarget): Promise<TwoServers> {
    const file = join(freshDataDir('identity'), 'keyring.json');
    createKeyring(file, '2026-07-01T00:00:00.000Z');
    const open = (): Promise<Vault> => Vault.open(target, readKeyring(file), { now: () => NOW }, 'SA', 500);
    return new TwoServers([await open(), await open()], file, target);
  }

  /** One that remembers nothing. */
  another(): Promise<Vault> {
    return Vault.open(this.target, readKeyring(this.keyringFile), { now: () => NOW }, 'SA', 500);
  }

  async forgetOutbox(): Promise<void> {
    const { outbox } = this.vaults[0];
    for (let rows; (rows = await outbox.pending(this.read, 500)).length > 0;) this.read = rows.at(-1)!.number;
  }

  async stop(): Promise<void> {
    for (const vault of this.vaults) await vault.close();
  }
}

/** One run of the directory beside the model. */
class Run {
  private readonly history: History;
  /** The vault's last number, where nothing came since that would not tell it. */
  private last: number | null = null;
  private entries = 0;

  constructor(
    private readonly servers: TwoServers,
    run: number,
  ) {
    this.history = new History(`r${run}`);
  }

  async take(step: Step): Promise<void> {
    const vault = this.servers.vaults[step.through]!;
    if (step.kind === 'events') return this.events(step);
    await this.history.decide(step, (decision) => decide(vault, decision));
    this.last = null;
  }

  async compare(): Promise<void> {
    await this.history.met.compare(this.servers.vaults[0], await this.outbox());
  }

  private async events(step: Step & { kind: 'events' }): Promise<void> {
    const { model, met } = this.history;
    const vault = this.servers.vaults[step.through]!;
    const before = model.changes;
    const named = this.history.named(step).map(({ by, ...person }) => ({
      ...person,
      speaker: { ...PRODUCERS[by]!, sources: [] },
      entryId: `entry-${(this.entries += 1)}`,
    }));
    const expected = named.map(({ identifiers, at, speaker }) => model.resolve(identifiers, at, speaker));
    const resolved = await vault.directory.resolve(named);
    expected.forEach(({ subject, cases }, i) => {
      met.meetSubject(subject, resolved[i]!.subjectId);
      expect(resolved[i]!.cases).toHaveLength(cases.length);
      cases.forEach((place, k) => met.meetCase(place, resolved[i]!.cases[k]!));
    });
    await met.meetThrough(vault, named);
    const sequence = Math.max(...resolved.map((each) => each.sequence));
    if (this.last !== null && model.changes === before) expect(sequence).toBe(this.last);
    if (this.last !== null && model.changes > before) expect(sequence).toBeGreaterThan(this.last);
    this.last = sequence;
  }

  private async outbox(): Promise<ChainEntry[]> {
    const entries: ChainEntry[] = [];
    for (;;) {
      const rows = await this.servers.vaults[1].outbox.pending(this.servers.read, 500);
      if (rows.length === 0) return entries;
      this.servers.read = rows.at(-1)!.number;
      entries.push(...rows.map(({ entry }) => JSON.parse(entry) as ChainEntry));
    }
  }
}

// A hundred little histories, each change on disk; and where one fails, many more until the shortest is found.
const PATIENCE_MS = 600_000;

function contract(name: string, target: () => Promise<SqlTarget>, runs: number): void {
  describe(`who is who on ${name}`, () => {
    let servers: TwoServers;
    beforeAll(async () => {
      servers = await TwoServers.start(await target());
    });
    afterAll(() => servers.stop());

    it(
      'is what the rules say, whatever happens in whatever order, for two servers and for a reader of the store',
      async () => {
        const seed = Number(process.env['SIJILL_TEST_SEED'] ?? 20_260_801);
        await fc.assert(
          fc.asyncProperty(steps, async (happening) => {
            const run = new Run(servers, (servers.runs += 1));
            try {
              // Both remember much by the middle; what they then hear of late, they must forget.
              const middle = Math.ceil(happening.length / 2);
              const all = [...happening.slice(0, middle), ...ROUNDS, ...happening.slice(middle), ...ROUNDS];
              for (const step of all) await run.take(step);
              await run.compare();
            } finally {
              await servers.forgetOutbox();
            }
          }),
          { seed, numRuns: Number(process.env['SIJILL_TEST_RUNS'] ?? runs) },
        );
      },
      PATIENCE_MS,
    );

    it('is decided as if by one, where both hear the same at once', async () => {
      const identifiers = identifiersOf(`race-${(servers.runs += 1)}`);
      const people = Array.from({ length: 200 }, (_, i) => ({
        identifiers: [identifiers[i % 5]!, identifiers[6 + ((i * 7) % 7)]!],
        at: MOMENTS[i % MOMENTS.length]!,
        speaker: { ...PRODUCERS[i % 3]!, sources: [] },
        entryId: `race-${i}`,
      }));
      const [left, right] = servers.vaults;
      const batches = Array.from({ length: 20 }, (_, i) => people.slice(i * 10, i * 10 + 10));
      await Promise.all([
        ...batches.map((batch) => left.directory.resolve(batch)),
        ...batches.toReversed().map((batch) => right.directory.resolve(batch.toReversed())),
        left.directory.release({ identifier: identifiers[6]!, at: MOMENTS[3]!, speaker: people[0]!.speaker }),
        right.directory.release({ identifier: identifiers[7]!, at: MOMENTS[2]!, speaker: people[0]!.speaker }),
      ]);
      const fresh = await servers.another();
      const said = [];
      for (const vault of [left, right, fresh])
        said.push((await vault.directory.resolve(people)).map(({ subjectId, cases }) => ({ subjectId, cases })));
      expect(said[1]).toEqual(said[0]);
      expect(said[2]).toEqual(said[0]);
      await fresh.close();
    });
  });
}

contract('SQLite', async () => ({ kind: 'sqlite', file: join(freshDataDir('identity'), 'vault.sqlite') }), 60);

describeWithPostgres('with PostgreSQL', (postgres) => {
  contract('PostgreSQL', async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('identity') }), 10);
});

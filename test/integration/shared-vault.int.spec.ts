import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import type { KyselyPlugin } from 'kysely';
import { retryWhileBusy, type Sql, type SqlTarget } from '@sijill/platform';
import {
  createKeyring,
  IdentityConflict,
  readKeyring,
  seal,
  SubjectErased,
  unseal,
  Vault,
  type Secret,
} from '@sijill/vault';
import { FULL_RUN } from '../support/full-run.js';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';
import { seeded } from '../support/seeded.js';
import { freshDataDir } from '../support/sijill.js';

const SEED = Number(process.env['SIJILL_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const RUNS = Number(process.env['SIJILL_TEST_INTERLEAVINGS'] ?? (FULL_RUN ? 500 : 60));
const STEPS = 12;
const DAY_MS = 86_400_000;
const SCOPE = { retentionClass: 'default', controller: null, year: 2026 };
const SPEAKER = { producer: 'shop', realm: 'shop', mayLink: true, sources: [] };
/** Each run has a quarter of its own, later than that of the run before it. */
const quarterOf = (run: number): number => Date.UTC(1000, 3 * run + 1, 15);

type VaultSql = Sql<{ vault_key: { subject_id: string }; vault_binding: { subject_id: string } }>;

/** What a vault keeps for itself. */
function insideOf(vault: Vault): VaultSql {
  return (vault as unknown as { readonly database: { readonly sql: VaultSql } }).database.sql;
}

/** Within a process everything else happens between two statements: a random number of turns. */
function hops(random: () => number): KyselyPlugin {
  return {
    transformQuery: ({ node }) => node,
    transformResult: async ({ result }) => {
      for (let turns = Math.floor(random() * 4); turns > 0; turns--) await new Promise(setImmediate);
      return result;
    },
  };
}

/** Two processes that share a vault, each with its memories, and somebody in a shell. */
class Shared {
  /** When something happened, in the order of what came back. */
  private moment = 0;
  private readonly dead = new Map<string, number>();
  private readonly sealed: { readonly subjectId: string; readonly keyId: string; readonly text: string }[] = [];
  private tagged: { generation: string; destroyed: number | null } | null = null;

  constructor(
    private readonly processes: readonly [Vault, Vault],
    private readonly shell: VaultSql,
    private readonly random: () => number,
    private readonly run: number,
  ) {}

  async step(): Promise<void> {
    const works = Array.from({ length: 1 + Math.floor(this.random() * 3) }, () => this.work());
    await Promise.all(works.map((work) => work()));
  }

  private work(): () => Promise<void> {
    const vault = this.processes[this.random() < 0.5 ? 0 : 1]!;
    const chance = this.random();
    const subject = this.sealed[Math.floor(this.random() * this.sealed.length)];
    // A release empties memories too, and few of them leave most to what is destroyed.
    if (chance < 0.03) return () => this.release(vault);
    if (chance < 0.1) return () => this.tag(vault);
    if (chance < 0.13) return () => this.destroyTags(vault);
    if (chance < 0.18 && this.run % 5 === 0) return () => this.rotate(vault);
    if (chance < 0.28 && subject !== undefined) return () => this.open(vault, subject);
    if (chance < 0.4 && subject !== undefined) return () => this.destroy(subject.subjectId);
    const other = this.sealed[Math.floor(this.random() * this.sealed.length)];
    if (chance < 0.5 && other !== undefined && subject!.subjectId !== other.subjectId)
      return () => this.decide(vault, [subject!.subjectId, other.subjectId]);
    return () => this.batch(vault, this.identifiers());
  }

  private identifiers() {
    const value = (n: number): string => `r${this.run}-${n}`;
    const all = [
      { scheme: 'account', realm: 'shop', value: value(0), verified: true },
      { scheme: 'email', realm: null, value: `${value(1)}@example.com`, verified: true },
      { scheme: 'device', realm: 'shop', value: value(2), verified: true },
      // With it two accounts are named as one person's, which makes cases that nobody has settled.
      { scheme: 'account', realm: 'shop', value: value(3), verified: true },
    ];
    const named = all.filter(() => this.random() < 0.2);
    return named.length === 0 ? [all[Math.floor(this.random() * all.length)]!] : named;
  }

  /** As the intake does: resolve, and seal for whoever it is. */
  private async batch(vault: Vault, identifiers: ReturnType<Shared['identifiers']>): Promise<void> {
    const began = (this.moment += 1);
    const named = { identifiers, at: quarterOf(this.run), speaker: SPEAKER, entryId: 'entry' };
    const subjectId = (await vault.directory.resolve([named]))[0]!.subjectId;
    expect([this.run, subjectId, this.isDead(subjectId, began)]).toEqual([this.run, subjectId, false]);
    let secret: Secret;
    try {
      secret = (await vault.secrets.ofSubjects([subjectId])).get(subjectId)!.of(SCOPE);
    } catch (error) {
      // Destroyed while the batch was under way.
      if (error instanceof SubjectErased && this.dead.has(subjectId)) return;
      throw error;
    }
    this.sealed.push({ subjectId, keyId: secret.keyId, text: seal(secret, 'e/subject', subjectId) });
  }

  private async open(vault: Vault, { subjectId, keyId, text }: Shared['sealed'][number]): Promise<void> {
    const began = (this.moment += 1);
    const secret = await vault.secrets.byId(keyId);
    if (secret === null) expect(this.dead.has(subjectId)).toBe(true);
    else {
      expect(this.isDead(subjectId, began)).toBe(false);
      expect(unseal(secret, 'e/subject', text).toString()).toBe(subjectId);
    }
  }

  private async release(vault: Vault): Promise<void> {
    const began = (this.moment += 1);
    const at = quarterOf(this.run) - Math.floor(this.random() * 10) * DAY_MS;
    // Of its own realm: that can be released by whoever has not bound it, too.
    const identifier = this.identifiers().find(({ realm }) => realm === 'shop');
    if (identifier === undefined) return;
    const released = await vault.directory.release({ identifier, at, speaker: SPEAKER });
    expect(this.isDead(released.subjectId, began)).toBe(false);
  }

  /** What an officer decides about two, of whom others may be dead with whom they have cases or links. */
  private async decide(vault: Vault, pair: readonly [string, string]): Promise<void> {
    const officer = { principal: 'officer', reason: 'test' };
    const deciding =
      this.random() < 0.5
        ? vault.directory.link(pair, { ...officer, override: true })
        : vault.directory.separate(pair, officer);
    await deciding.catch((error: unknown) => {
      if (!(error instanceof IdentityConflict)) throw error;
    });
  }

  /** By no operation of the vault's, and without its lock. */
  private async destroy(subjectId: string): Promise<void> {
    // Whoever waits for a change that waits for this one is sent away by PostgreSQL.
    for (let done = false; !done;) {
      done = await retryWhileBusy(() =>
        this.shell.writer.deleteFrom('vault_key').where('subject_id', '=', subjectId).execute(),
      ).then(
        () => true,
        (error: { code?: unknown }) => {
          if (error.code !== '40P01') throw error;
          return false;
        },
      );
    }
    if (!this.dead.has(subjectId)) this.dead.set(subjectId, (this.moment += 1));
  }

  private async tag(vault: Vault): Promise<void> {
    const began = (this.moment += 1);
    const time = quarterOf(this.run);
    const { generation } = (await vault.tags.ready([time]))(time);
    this.tagged ??= { generation, destroyed: null };
    const { destroyed } = this.tagged;
    if (generation === this.tagged.generation) expect(destroyed !== null && destroyed < began).toBe(false);
  }

  private async destroyTags(vault: Vault): Promise<void> {
    const quarters = await vault.tags.destroy(quarterOf(this.run + 1));
    if (this.tagged !== null && quarters.includes(this.tagged.generation)) this.tagged.destroyed = this.moment += 1;
  }

  private async rotate(vault: Vault): Promise<void> {
    const keys = this.random() < 0.5 ? 'wrapping' : 'index';
    await vault.rotate(keys);
    if (this.random() < 0.5) await (keys === 'index' ? vault.directory.reindex() : vault.secrets.rewrap());
  }

  /** Whether it was destroyed before something began. */
  private isDead(subjectId: string, began: number): boolean {
    return (this.dead.get(subjectId) ?? Infinity) < began;
  }

  /** Both say the same of everybody, and nothing leads to anybody who was forgotten. */
  async agree(fresh: Vault): Promise<void> {
    for (const identifier of Array.from({ length: 9 }, () => this.identifiers()).flat()) {
      const leads = await Promise.all(
        [...this.processes, fresh].map((vault) => vault.directory.lookUp(identifier, quarterOf(this.run))),
      );
      const subjects = new Set(leads.map((found) => found?.subjectId ?? null));
      expect([this.run, subjects.size]).toEqual([this.run, 1]);
      const [subjectId] = subjects;
      expect(subjectId !== null && this.dead.has(subjectId!)).toBe(false);
    }
    const bound = await this.shell.reader
      .selectFrom('vault_binding')
      .select('subject_id')
      .where('subject_id', 'in', [...this.dead.keys(), ''])
      .execute();
    expect(bound).toEqual([]);
  }
}

function contract(name: string, target: () => Promise<SqlTarget>, runs: number): void {
  it(
    `on ${name} lets no process open, seal for or bind to what another destroyed (seed ${SEED}, ${runs} runs)`,
    async () => {
      const sql = await target();
      const file = join(freshDataDir('shared'), 'keyring.json');
      createKeyring(file, '2026-07-01T00:00:00.000Z');
      const random = seeded(SEED);
      const open = async (): Promise<Vault> => {
        const vault = await Vault.open(sql, readKeyring(file), { now: () => quarterOf(0) }, 'SA', 50);
        const inside = insideOf(vault);
        Object.assign(inside, { reader: inside.reader.withPlugin(hops(random)) });
        return vault;
      };
      const [one, other, third] = [await open(), await open(), await open()];
      const shell = insideOf(third);
      shell.connection?.pragma('foreign_keys = OFF');
      try {
        for (let run = 0; run < runs; run++) {
          const shared = new Shared([one, other], shell, random, run);
          for (let step = 0; step < STEPS; step++) await shared.step();
          await shared.agree(third);
        }
      } finally {
        for (const vault of [one, other, third]) await vault.close();
      }
    },
    60_000 + runs * 3_000,
  );
}

/** Whoever is kept out by another of this process does not wait in SQLite: that one cannot go on meanwhile. */
function impatient(file: string): Sqlite.Database {
  const connection = new Sqlite(file);
  const pragma = connection.pragma.bind(connection);
  connection.pragma = (text, options) => pragma(text.replace(/busy_timeout = \d+/, 'busy_timeout = 0'), options);
  return connection;
}

describe('a vault of two processes with memories', () => {
  contract(
    'SQLite',
    async () => ({ kind: 'sqlite', file: join(freshDataDir('shared'), 'vault.sqlite'), open: impatient }),
    RUNS,
  );
});

describeWithPostgres('with PostgreSQL, a vault of two processes with memories', (postgres) => {
  contract(
    'PostgreSQL',
    async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('shared') }),
    // A statement costs ten times as much there.
    FULL_RUN ? RUNS : Math.ceil(RUNS / 10),
  );
});

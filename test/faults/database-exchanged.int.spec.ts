import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { dropDatabase } from '../support/postgres/databases.js';
import { describeWithPostgres, type SharedPostgres } from '../support/postgres/describe-with-postgres.js';
import { eventually, freshDataDir } from '../support/sijill.js';
import { WholeLedger } from '../support/whole-ledger.js';

const NAMES = { name: 'tests', principal: 'command-line' };

/** A database as a name that can be given to another: whoever is connected to it loses that. */
class Exchangeable {
  readonly name: string;

  constructor(
    private readonly postgres: SharedPostgres,
    readonly url: string,
  ) {
    this.name = new URL(url).pathname.slice(1);
  }

  /** A copy of it as it is now. */
  async copy(): Promise<string> {
    const copy = `copy_${randomUUID().replaceAll('-', '')}`;
    // Somebody may connect again between the two.
    await eventually(
      () =>
        this.admin(this.ending(this.name), `create database ${copy} template ${this.name}`).then(
          () => true,
          () => false,
        ),
      (copied) => copied,
    );
    return copy;
  }

  /** Puts another database in its place. @returns what was there until now, by its new name */
  async becomes(other: string): Promise<string> {
    const before = `before_${randomUUID().replaceAll('-', '')}`;
    await eventually(
      () =>
        this.admin(
          this.ending(this.name),
          this.ending(other),
          `alter database ${this.name} rename to ${before}`,
          `alter database ${other} rename to ${this.name}`,
        ).then(
          () => true,
          () => false,
        ),
      (renamed) => renamed,
    );
    return before;
  }

  private ending(name: string): string {
    return `select pg_terminate_backend(pid) from pg_stat_activity where datname = '${name}'`;
  }

  private async admin(...statements: string[]): Promise<void> {
    const client = new pg.Client({ connectionString: this.postgres.url });
    await client.connect();
    try {
      for (const statement of statements) await client.query(statement);
    } finally {
      await client.end();
    }
  }
}

type Part = 'vault' | 'database';
type Kind = 'empty' | 'older' | "another's";

const WORDS: Record<Part, Record<Kind, RegExp>> = {
  vault: {
    empty: /the vault was emptied/,
    older: /the vault is an older copy: it stands at change \d+/,
    "another's": /the vault is that of the ledger [0-9a-f-]{36}, and this keyring is of the ledger/,
  },
  database: {
    empty: /the database of keys and producers was emptied/,
    older: /is an older copy/,
    "another's": /is that of the ledger [0-9a-f-]{36}, and this keyring is of the ledger/,
  },
};

describeWithPostgres('a database that is exchanged while a server runs', (postgres) => {
  const databases = {} as Record<Part, Exchangeable>;
  const wrong = { vault: {}, database: {} } as Record<Part, Record<Kind, string>>;
  let whole: WholeLedger;

  const start = async (): Promise<{ ledger: WholeLedger; urls: Record<Part, string> }> => {
    const urls = { vault: await postgres.freshDatabase('vault'), database: await postgres.freshDatabase('sijill') };
    const ledger = await WholeLedger.start({
      SIJILL_DATA_DIR: freshDataDir('exchanged'),
      SIJILL_DATABASE: urls.database,
      SIJILL_VAULT_DATABASE: urls.vault,
    });
    await grow(ledger);
    return { ledger, urls };
  };
  const grow = async (ledger: WholeLedger): Promise<void> => {
    await ledger.take(5);
    await ledger.ledger.keys.create({ name: `officer-${randomUUID()}`, roles: ['officer'] }, NAMES);
    await ledger.ledger.outboxes.drain();
    await ledger.settled();
  };

  beforeAll(async () => {
    const own = await start();
    whole = own.ledger;
    const other = await start();
    await other.ledger.stop();
    for (const part of ['vault', 'database'] as const) {
      databases[part] = new Exchangeable(postgres, own.urls[part]);
      wrong[part].older = await databases[part].copy();
      wrong[part].empty = new URL(await postgres.freshDatabase('empty')).pathname.slice(1);
      wrong[part]["another's"] = new URL(other.urls[part]).pathname.slice(1);
    }
    await eventually(
      () =>
        grow(whole).then(
          () => true,
          () => false,
        ),
      (grown) => grown,
    );
  }, 120_000);
  afterAll(async () => {
    await whole.stop();
    for (const name of Object.values(wrong).flatMap((kinds) => Object.values(kinds)))
      await dropDatabase(postgres.url, name);
  }, 60_000);

  const cells = (Object.keys(WORDS) as Part[]).flatMap((part) =>
    (Object.keys(WORDS[part]) as Kind[]).map((kind) => ({ part, kind })),
  );
  it.each(cells)(
    '$part, $kind: nothing is taken in, the cause is told, and the right one goes on',
    async ({ part, kind }) => {
      const right = await databases[part].becomes(wrong[part][kind]);
      await eventually(
        async () => whole.health.ledger,
        (failure) => failure !== null && WORDS[part][kind].test(failure),
      );
      const head = await whole.ledger.store.head();
      await expect(whole.take(1)).rejects.toThrow();
      expect(await whole.ledger.store.head()).toBe(head);

      wrong[part][kind] = await databases[part].becomes(right);
      await whole.goesOn();
      expect(whole.health.notary!.state).toBe('running');
    },
    120_000,
  );
});

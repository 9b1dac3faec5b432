import type { Kysely } from 'kysely';
import { openSql, type Sql, type SqlTarget } from '@sijill/platform';
import type { KeyringPlace } from './keyring-place.js';

interface KeyringTables {
  /** One row, of id 1. */
  keyring: { id: number; content: string };
}

const migrations = {
  '2026-12-01-keyring': {
    up: async (db: Kysely<unknown>): Promise<void> => {
      await db.schema
        .createTable('keyring')
        .ifNotExists()
        .addColumn('id', 'integer', (column) => column.primaryKey())
        .addColumn('content', 'text', (column) => column.notNull())
        .execute();
    },
  },
};

/** A table in a database, opened for each look: it is looked at when a process starts, and when a key is not known. */
export class DatabasePlace implements KeyringPlace {
  readonly where: string;

  /** @param name of the database, without what opens it */
  constructor(
    private readonly target: SqlTarget,
    name: string,
  ) {
    this.where = `in the table keyring of ${name}`;
  }

  get(): Promise<string | null> {
    return this.opened(async ({ reader }) => {
      const row = await reader.selectFrom('keyring').select('content').where('id', '=', 1).executeTakeFirst();
      return row?.content ?? null;
    });
  }

  put(content: string, instead: string | null): Promise<boolean> {
    return this.opened(async ({ writer }) => {
      const changed =
        instead === null
          ? await writer
              .insertInto('keyring')
              .values({ id: 1, content })
              .onConflict((conflict) => conflict.doNothing())
              .executeTakeFirst()
          : await writer
              .updateTable('keyring')
              .set({ content })
              .where('id', '=', 1)
              .where('content', '=', instead)
              .executeTakeFirst();
      return ('numUpdatedRows' in changed ? changed.numUpdatedRows : (changed.numInsertedOrUpdatedRows ?? 0n)) === 1n;
    });
  }

  private async opened<T>(work: (sql: Sql<KeyringTables>) => Promise<T>): Promise<T> {
    const sql = await openSql<KeyringTables>(this.target, {
      name: 'keyring',
      durability: 'full',
      migrations: () => migrations,
      secureDelete: true,
    });
    try {
      return await work(sql);
    } finally {
      await sql.close();
    }
  }
}

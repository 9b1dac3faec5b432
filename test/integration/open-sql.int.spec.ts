import { DatabaseUnfit, openSql } from '@sijill/platform';
import pg from 'pg';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';

describeWithPostgres('opening a PostgreSQL database', (postgres) => {
  // As the tables of a rebuild do, in another process.
  it('is not disturbed by tables that come and go meanwhile', async () => {
    const url = await postgres.freshDatabase('sijill');
    const other = new pg.Client({ connectionString: url });
    await other.connect();
    let goesOn = true;
    const coming = (async () => {
      for (let i = 0; goesOn; i++) {
        const tables = Array.from({ length: 20 }, (_, k) => `passing_${i}_${k}`);
        await other.query(tables.map((name) => `CREATE TABLE ${name} (id serial, body text)`).join(';'));
        await other.query(tables.map((name) => `DROP TABLE ${name}`).join(';'));
      }
    })();
    try {
      for (let i = 0; i < 60; i++) {
        const sql = await openSql(
          { kind: 'postgresql', url },
          { name: 'opening', durability: 'full', migrations: () => ({}) },
        );
        await sql.close();
      }
    } finally {
      goesOn = false;
      await coming;
      await other.end();
    }
  });

  it('that the server does not have is said to be out of reach, in the words of the server', async () => {
    const url = new URL(postgres.url);
    url.pathname = '/nowhere';
    await expect(
      openSql({ kind: 'postgresql', url: url.href }, { name: 'vault', durability: 'full', migrations: () => ({}) }),
    ).rejects.toThrow('vault: the database cannot be reached (database "nowhere" does not exist)');
  });

  const admin = async (...statements: string[]): Promise<void> => {
    const client = new pg.Client({ connectionString: postgres.url });
    await client.connect();
    for (const statement of statements) await client.query(statement);
    await client.end();
  };
  const open = (url: URL): ReturnType<typeof openSql> =>
    openSql(
      { kind: 'postgresql', url: url.href },
      {
        name: 'vault',
        durability: 'full',
        migrations: () => ({ one: { up: (db) => db.schema.createTable('one').addColumn('id', 'integer').execute() } }),
      },
    );

  it.each(['LATIN1', 'WIN1256', 'SQL_ASCII'])(
    'that is in %s is refused: a name would be lost in it',
    async (encoding) => {
      const url = new URL(postgres.url);
      url.pathname = `/in_${encoding.toLowerCase()}`;
      await admin(`create database in_${encoding.toLowerCase()} encoding '${encoding}' locale 'C' template template0`);
      try {
        await expect(open(url)).rejects.toThrow(DatabaseUnfit);
        await expect(open(url)).rejects.toThrow(`in the encoding ${encoding}`);
      } finally {
        await admin(`drop database in_${encoding.toLowerCase()}`);
      }
    },
  );

  it('in which nothing may be made says so, in the words of the server', async () => {
    const url = new URL(await postgres.freshDatabase('sijill'));
    await admin("create role reader login password 'reader'");
    try {
      [url.username, url.password] = ['reader', 'reader'];
      await expect(open(url)).rejects.toThrow(/vault: the tables could not be brought up to date \(permission denied/);
    } finally {
      await admin('drop role reader');
    }
  });
});

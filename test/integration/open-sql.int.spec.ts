import { openSql } from '@sijill/platform';
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
});

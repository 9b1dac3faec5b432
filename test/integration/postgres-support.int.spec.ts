import pg from 'pg';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows;
  } finally {
    await client.end();
  }
}

describeWithPostgres('the PostgreSQL that specs share', (postgres) => {
  it('answers', async () => {
    expect(await query(postgres.url, 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  it('gives each spec a database of its own, in UTF-8', async () => {
    const [first, second] = await Promise.all([postgres.freshDatabase(), postgres.freshDatabase()]);
    await query(first, `CREATE TABLE words (word text); INSERT INTO words VALUES ('سجل')`);
    expect(await query(first, 'SELECT word, char_length(word) AS length FROM words')).toEqual([
      { word: 'سجل', length: 3 },
    ]);
    expect(await query(second, `SELECT to_regclass('words') AS words`)).toEqual([{ words: null }]);
    expect(await query(first, 'SHOW server_encoding')).toEqual([{ server_encoding: 'UTF8' }]);
  });
});

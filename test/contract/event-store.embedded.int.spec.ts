import { copyEmbeddedStore, openEmbeddedStore, StoreRefused, StoreUnavailable } from '@sijill/event-store';
import Database from 'better-sqlite3';
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { all, entries, entry, eventStoreContract, follow, laneName } from './event-store.contract.js';

const directory = mkdtempSync(join(tmpdir(), 'event-store-'));
let files = 0;
const newFile = () => join(directory, `events-${(files += 1)}.db`);
afterAll(() => rmSync(directory, { recursive: true }));

describe('the embedded store', () => {
  const file = newFile();
  eventStoreContract(
    () => openEmbeddedStore({ file, pollMs: 10 }),
    async (stream) => writeByHand(file, stream),
    { truncate: async (stream, before) => deleteByHand(file, stream, before) },
  );
});

/** Takes rows away as somebody does who may write to the file. */
function deleteByHand(file: string, stream: string, before: number): void {
  const db = new Database(file);
  const trigger = db.prepare("select sql from sqlite_schema where name = 'entry_stays'").pluck().get() as string;
  db.transaction(() => {
    db.exec('drop trigger entry_stays');
    db.prepare('delete from entry where stream_id = (select id from stream where name = ?) and revision < ?').run(
      stream,
      before,
    );
    db.exec(trigger);
  })();
  db.close();
}

/** Rows as somebody inserts them who has a tool for SQLite and rights on the file. */
function writeByHand(file: string, stream: string): number {
  const rows: (readonly [id: string, type: string, data: string, metadata: string])[] = [
    [`'x'`, `'y'`, `'{}'`, `'{}'`],
    [`'x'`, `'y'`, `'{"subjectId":"a"}'`, `'no JSON,"~":{'`],
    [`17`, `3.5`, `-1`, `''`],
    [`''`, `''`, `''`, `''`],
    [`'a' || char(10) || 'b'`, `'$metadata'`, `'[1]'`, `'"text"'`],
    [`'a' || char(0) || 'b'`, `'c' || char(0)`, `'{"a":' || char(0) || '}'`, `'{"b":1,"~":{' || char(0)`],
    [`CAST(x'ff80' AS TEXT)`, `CAST(x'ff' AS TEXT)`, `CAST(x'7bff7d' AS TEXT)`, `CAST(x'7bfe7d' AS TEXT)`],
    [`'x'`, `'y'`, `'{"a":1'`, `'{"b":1,"~":{"by":"a1","mac":"","sealed":{"a":1}}}'`],
    [`'x'`, `'y'`, `replace(hex(zeroblob(20000)), '00', '[')`, `'{"b":1,"~":null}'`],
    [`'x'`, `'y'`, `'{"__proto__":{"subjectId":"a"},"a":1e999}'`, `'{"__proto__":1,"~":{"sealed":{}}}'`],
  ];
  const db = new Database(file);
  db.prepare('INSERT INTO stream (name) SELECT ? WHERE NOT EXISTS (SELECT 1 FROM stream WHERE name = ?)').run(
    stream,
    stream,
  );
  for (const row of rows)
    db.prepare(
      `INSERT INTO entry (stream_id, revision, id, type, data, metadata)
        SELECT id, 1 + (SELECT coalesce(max(revision), -1) FROM entry WHERE stream_id = stream.id), ${row.join(', ')}
        FROM stream WHERE name = ?`,
    ).run(stream);
  db.close();
  return rows.length;
}

describe('the file of the embedded store', () => {
  it('is empty at first: head is 0, and nothing is there to read', async () => {
    const store = openEmbeddedStore({ file: newFile() });
    expect(await store.head()).toBe(0);
    expect(await all(store.readAll())).toEqual([]);
    const { position } = await store.append('ledger-a', entries(1), 'no_stream');
    expect(position).toBe(1);
    await store.close();
  });

  it('refuses to change or take away what is stored, whoever asks', async () => {
    const file = newFile();
    const store = openEmbeddedStore({ file });
    await store.append('ledger-a', entries(2), 'no_stream');
    const db = new Database(file);
    for (const statement of [
      `UPDATE entry SET data = '{}'`,
      'DELETE FROM entry',
      `UPDATE stream SET name = 'ledger-b'`,
      'DELETE FROM stream',
      'INSERT OR REPLACE INTO stream SELECT id, name FROM stream',
      `INSERT OR REPLACE INTO stream (name) VALUES ('ledger-a')`,
      `INSERT INTO entry (stream_id, revision, id, type, data, metadata) VALUES (1, 5, 'x', 'y', '{}', '{}')`,
      `INSERT INTO entry VALUES (4, 1, 2, 'x', 'y', '{}', '{}')`,
      `INSERT INTO entry VALUES (9223372036854775807, 1, 2, 'x', 'y', '{}', '{}')`,
      `INSERT OR REPLACE INTO entry (stream_id, revision, id, type, data, metadata) VALUES (1, 1, 'x', 'y', '{}', '{}')`,
      `INSERT OR REPLACE INTO entry SELECT position, stream_id, revision, id, type, '{}', metadata FROM entry`,
    ])
      expect(() => db.exec(statement)).toThrow('append-only');
    for (const position of [0, -2])
      expect(() => db.exec(`INSERT INTO entry VALUES (${position}, 1, 2, 'x', 'y', '{}', '{}')`)).toThrow('CHECK');
    db.close();
    expect(await all(store.readStream('ledger-a'))).toHaveLength(2);
    await store.close();
  });

  it('of a later schema, of another application, or that is no database is refused and stays as it was', () => {
    const later = newFile();
    void openEmbeddedStore({ file: later }).close();
    const db = new Database(later);
    db.pragma('user_version = 99');
    db.close();
    expect(() => openEmbeddedStore({ file: later })).toThrow(StoreRefused);

    const first = newFile();
    void openEmbeddedStore({ file: first }).close();
    const older = new Database(first);
    older.pragma('user_version = 1');
    older.close();
    expect(() => openEmbeddedStore({ file: first })).toThrow(/first edition.*start with an empty data directory/);

    const foreign = newFile();
    const theirs = new Database(foreign);
    theirs.exec('CREATE TABLE note (text)');
    expect(() => openEmbeddedStore({ file: foreign })).toThrow(StoreRefused);
    expect(theirs.pragma('journal_mode', { simple: true })).toBe('delete');
    theirs.close();

    const text = newFile();
    writeFileSync(text, 'not a database, and longer than the header that SQLite looks for\n'.repeat(100));
    expect(() => openEmbeddedStore({ file: text })).toThrow(StoreRefused);
  });

  it('in a directory that is not there cannot be opened for now', () => {
    expect(() => openEmbeddedStore({ file: join(directory, 'missing', 'events.db') })).toThrow(StoreUnavailable);
  });

  it('that another process has locked for too long is unavailable, and nothing was written', async () => {
    const file = newFile();
    const store = openEmbeddedStore({ file });
    await store.append('ledger-a', entries(1), 'no_stream');
    const db = new Database(file);
    db.exec('BEGIN IMMEDIATE');
    await expect(store.append('ledger-a', entries(1), 0)).rejects.toBeInstanceOf(StoreUnavailable);
    db.exec('ROLLBACK');
    db.close();
    expect((await store.append('ledger-a', entries(1), 0)).revision).toBe(1);
    await store.close();
  });

  it('never keeps a reader inside a transaction while its consumer thinks', async () => {
    const file = newFile();
    const store = openEmbeddedStore({ file });
    let revision = (await store.append('ledger-a', entries(1000), 'no_stream')).revision;
    const reading = store.readAll({ batchSize: 10 })[Symbol.asyncIterator]();
    await reading.next();
    for (let i = 0; i < 5; i++) revision = (await store.append('ledger-a', entries(500), revision)).revision;
    const db = new Database(file);
    // With a reader inside a transaction SQLite could not move the whole log into the file.
    expect(db.pragma('wal_checkpoint(TRUNCATE)')).toEqual([{ busy: 0, log: 0, checkpointed: 0 }]);
    db.close();
    await reading.return?.();
    await store.close();
  });

  it('takes appends while another program looks at it for long, and gives back what the log has grown to', async () => {
    const file = newFile();
    const store = openEmbeddedStore({ file });
    await store.append('ledger-a', entries(1), 'no_stream');
    const looking = new Database(file, { readonly: true });
    const rows = looking.prepare('SELECT id FROM entry').iterate();
    rows.next();
    const text = 'x'.repeat(1_000_000);
    for (let i = 0; i < 80; i++) await store.append('ledger-b', [entry({ data: { text } })], 'any');
    expect(statSync(`${file}-wal`).size).toBeGreaterThan(80_000_000);
    rows.return?.();
    looking.close();
    for (let i = 0; i < 3; i++) await store.append('ledger-b', entries(1), 'any');
    expect(statSync(`${file}-wal`).size).toBeLessThanOrEqual(64 * 1024 * 1024);
    await store.close();
  });

  it('is copied page by page while it grows, and the log can be moved into the file meanwhile', async () => {
    const [file, copy] = [newFile(), newFile()];
    const store = openEmbeddedStore({ file });
    for (let i = 0; i < 5; i++) await store.append(`ledger-${i}`, entries(1000), 'no_stream');
    const before = await all(store.readAll());
    const db = new Database(file);
    const [checkpoints, reached]: [unknown[], number[]] = [[], []];
    const end = await copyEmbeddedStore(file, copy, (position, last) => {
      reached.push(position);
      expect(last).toBe(5000);
      db.exec(`INSERT INTO stream (name) VALUES ('ledger-later-${position}')`);
      checkpoints.push(db.pragma('wal_checkpoint(TRUNCATE)'));
    });
    db.close();
    expect(checkpoints).toEqual(reached.map(() => [{ busy: 0, log: 0, checkpointed: 0 }]));
    expect(reached.length).toBeGreaterThan(1);
    expect(end).toBe(5000);
    await store.close();
    const copied = openEmbeddedStore({ file: copy });
    expect(await all(copied.readAll())).toEqual(before);
    await copied.close();
  });

  it('can be shared with other processes: created by all at once, written by all, followed by one', async () => {
    const file = newFile();
    const lane = laneName();
    const program = join(import.meta.dirname, '../support/embedded-store-writer.ts');
    const children = ['a', 'b', 'c'].map((name) =>
      fork(program, [file, `${lane}-${name}`, lane, '40'], { execArgv: ['--import', 'tsx'] }),
    );
    const exits = children.map((child) => new Promise((resolve) => child.once('exit', resolve)));
    const store = openEmbeddedStore({ file, pollMs: 10 });
    const found = await follow(store, { after: 0, stream: lane, count: 120 });
    expect(await Promise.all(exits)).toEqual([0, 0, 0]);
    expect(found.map(({ revision }) => revision)).toEqual(Array.from({ length: 120 }, (_, i) => i));
    for (const name of ['a', 'b', 'c']) expect(await all(store.readStream(`${lane}-${name}`))).toHaveLength(40);
    await store.close();
  });
});

describe('an entry', () => {
  it('is stored as canonical JSON', async () => {
    const file = newFile();
    const store = openEmbeddedStore({ file });
    await store.append('ledger-a', [entry({ data: { b: 'ب', 10: 1, 9: 2 }, metadata: { z: 1, a: [] } })], 'no_stream');
    await store.close();
    const db = new Database(file, { readonly: true });
    expect(db.prepare('SELECT data, metadata FROM entry').get()).toEqual({
      data: '{"10":1,"9":2,"b":"ب"}',
      metadata: '{"a":[],"z":1}',
    });
    db.close();
  });
});

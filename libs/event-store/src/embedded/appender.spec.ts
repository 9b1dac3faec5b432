import Database from 'better-sqlite3';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OutcomeUnknown, StoreFull } from '../errors.js';
import { Appender } from './appender.js';
import { openReading, openWriting } from './schema.js';

describe('the embedded store, writing', () => {
  const directory = mkdtempSync(join(tmpdir(), 'appender-'));
  const file = join(directory, 'events.db');
  let db: Database.Database;
  const written = (bytes = 10) => ({ id: randomUUID(), type: 't', data: `"${'x'.repeat(bytes)}"`, metadata: '{}' });
  const count = () => db.prepare('SELECT count(*) FROM entry').pluck().get();

  beforeEach(() => {
    db = openWriting(file);
  });
  afterEach(() => {
    db.close();
    rmSync(file);
  });
  afterAll(() => rmSync(directory, { recursive: true }));

  it('syncs at every commit, on every connection', () => {
    const reading = openReading(file);
    expect(db.pragma('journal_mode', { simple: true })).toBe('wal');
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
    expect(reading.pragma('synchronous', { simple: true })).toBe(2);
    reading.close();
    db.close();
    // The setting belongs to the connection, not to the file: it must be made again when the file is opened again.
    db = openWriting(file);
    expect(db.pragma('synchronous', { simple: true })).toBe(2);
  });

  it('on a full disk stores nothing of the append, says so, and goes on when there is room', () => {
    const appender = new Appender(db);
    appender.append('ledger-a', [written()], 'no_stream');
    db.pragma(`max_page_count = ${Number(db.pragma('page_count', { simple: true })) + 2}`);
    const many = Array.from({ length: 50 }, () => written(4000));
    expect(() => appender.append('ledger-a', many, 0)).toThrow(StoreFull);
    expect(count()).toBe(1);
    expect(db.inTransaction).toBe(false);
    db.pragma('max_page_count = 1000000');
    expect(appender.append('ledger-a', many, 0).revision).toBe(50);
  });

  it('does not know the outcome when the commit itself fails', () => {
    const { commit, release } = commitThatFails(db);
    const appender = new Appender(commit);
    expect(() => appender.append('ledger-a', [written()], 'no_stream')).toThrow(OutcomeUnknown);
    expect(db.inTransaction).toBe(false);
    release();
    expect(appender.append('ledger-a', [written()], 'no_stream').revision).toBe(0);
  });

  it('takes no entry of a batch that fails in its middle', () => {
    const appender = new Appender(db);
    const broken = { ...written(), data: undefined as unknown as string };
    expect(() => appender.append('ledger-a', [written(), broken], 'no_stream')).toThrow();
    expect(count()).toBe(0);
    expect(appender.append('ledger-a', [written()], 'no_stream')).toEqual({ revision: 0, position: 1 });
  });
});

/** The same connection, whose COMMIT meets a failing disk until it is released. */
function commitThatFails(db: Database.Database): { commit: Database.Database; release(): void } {
  let failing = true;
  const commit = new Proxy(db, {
    get: (target, property) => {
      if (property !== 'prepare') {
        const member: unknown = Reflect.get(target, property, target);
        return typeof member === 'function' ? member.bind(target) : member;
      }
      return (source: string) => {
        const statement = target.prepare(source);
        if (source !== 'COMMIT') return statement;
        return { run: () => (failing ? failLikeDisk() : statement.run()) };
      };
    },
  });
  return { commit, release: () => (failing = false) };
}

function failLikeDisk(): never {
  throw new Database.SqliteError('disk I/O error', 'SQLITE_IOERR_FSYNC');
}

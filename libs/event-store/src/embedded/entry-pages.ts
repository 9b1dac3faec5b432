import type Database from 'better-sqlite3';
import type { LeafBytes, RawEvent } from '../raw-store.js';
import { LeafPages } from './leaf-pages.js';
import { storeFailure } from './sqlite-failure.js';

const COLUMNS = 'SELECT position, stream.name, revision, entry.id, type, data, metadata';

type Row = [
  position: number,
  stream: string,
  revision: number,
  id: string,
  type: string,
  data: string,
  metadata: string,
];

/**
 * Reads pages of events. Each page is a transaction of its own that ends before the page is given away, so a reader that
 * takes its time never keeps SQLite from moving the write-ahead log into the file.
 */
export class EntryPages {
  readonly #streamId: Database.Statement<[string], number>;
  readonly #forwards: Database.Statement<[number, number, number], Row>;
  readonly #backwards: Database.Statement<[number, number, number], Row>;
  readonly #after: Database.Statement<[number, string, number], Row>;
  readonly #leaves: LeafPages<[number, string, number]>;
  readonly #at: Database.Statement<[number, string], number>;
  readonly #head: Database.Statement<[string], number>;
  readonly #version: Database.Statement<[], number>;

  constructor(
    db: Database.Database,
    private readonly prefix: string,
  ) {
    // CROSS JOIN keeps SQLite on the primary key of `entry`, in order, with one look-up in `stream` for each row.
    const from = 'FROM entry CROSS JOIN stream ON stream.id = entry.stream_id WHERE';
    const ofLedger = `substr(stream.name, 1, ${prefix.length}) = ?`;
    this.#streamId = db.prepare<[string], number>('SELECT id FROM stream WHERE name = ?').pluck();
    const rows = <Parameters extends unknown[]>(rest: string) =>
      db.prepare<Parameters, Row>(`${COLUMNS} ${from} ${rest} LIMIT ?`).raw();
    this.#forwards = rows('stream_id = ? AND revision >= ? ORDER BY revision');
    this.#backwards = rows('stream_id = ? AND revision <= ? ORDER BY revision DESC');
    this.#after = rows(`position > ? AND ${ofLedger} ORDER BY position`);
    this.#leaves = new LeafPages(db, `${from} position > ? AND ${ofLedger} ORDER BY position LIMIT ?`);
    this.#at = db.prepare<[number, string], number>(`SELECT 1 ${from} position = ? AND ${ofLedger}`).pluck();
    const head = db.prepare<[string], number>(`SELECT position ${from} ${ofLedger} ORDER BY position DESC LIMIT 1`);
    this.#head = head.pluck();
    this.#version = db.prepare<[], number>('PRAGMA data_version').pluck();
  }

  /** The stream's number in this file, undefined when it was never written. */
  streamId(name: string): number | undefined {
    return read(() => this.#streamId.get(name));
  }

  /** Events of a stream from a revision on, that one included. */
  ofStream(streamId: number, from: number, direction: 'forwards' | 'backwards', limit: number): RawEvent[] {
    const statement = direction === 'forwards' ? this.#forwards : this.#backwards;
    return read(() => statement.all(streamId, from, limit).map(rawEvent));
  }

  /** Events of all ledger streams behind a position, in commit order. */
  after(position: number, limit: number): RawEvent[] {
    return read(() => this.#after.all(position, this.prefix, limit).map(rawEvent));
  }

  /** Whether an event of a ledger stream stands at a position. */
  isPosition(position: number): boolean {
    return read(() => this.#at.get(position, this.prefix)) !== undefined;
  }

  /** The leaves of events of all ledger streams behind a position, in commit order. */
  leavesAfter(position: number, limit: number): LeafBytes {
    return read(() => this.#leaves.get(position, this.prefix, limit));
  }

  /** The position of the last ledger entry, 0 when there is none. */
  head(): number {
    return read(() => this.#head.get(this.prefix) ?? 0);
  }

  /** A number that changes when any other connection, in this process or another, has committed. */
  dataVersion(): number {
    return read(() => this.#version.get() ?? 0);
  }
}

function read<T>(statement: () => T): T {
  try {
    return statement();
  } catch (error) {
    throw storeFailure(error);
  }
}

// Objects that SQLite's driver makes of rows are slow to look into, and to collect.
function rawEvent([position, stream, revision, id, type, data, metadata]: Row): RawEvent {
  return { id, type, stream, revision, position, data, metadata };
}

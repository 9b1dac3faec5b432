import type Database from 'better-sqlite3';
import { inPlace, notInPlace } from '@sijill/platform';
import { StoreNotOurs, WrongExpectedRevision } from '../errors.js';
import type { AppendResult, ExpectedRevision } from '../event-store.port.js';
import type { RawAppend } from '../raw-store.js';
import { storeFailure } from './sqlite-failure.js';

/** One append as it waits to be written. */
export interface Append {
  readonly stream: string;
  readonly entries: readonly RawAppend[];
  readonly expected: ExpectedRevision;
}

/**
 * Writes batches through one connection, synchronously: an append blocks its thread for the sync of the disk. The store runs
 * it on a thread of its own, see writer.ts.
 */
export class Appender {
  readonly #db: Database.Database;
  readonly #begin: Database.Statement<[]>;
  readonly #commit: Database.Statement<[]>;
  readonly #streamId: Database.Statement<[string], number>;
  readonly #newStream: Database.Statement<[string]>;
  readonly #lastRevision: Database.Statement<[number], number>;
  readonly #stored: Database.Statement<[number, number, number], { id: string; position: number }>;
  readonly #insert: Database.Statement<[number, number, string, string, string, string]>;
  readonly #idAt: Database.Statement<[number], string>;
  readonly #isInPlace: () => boolean;
  /** What was last committed here. */
  #last: { readonly position: number; readonly id: string } | null = null;

  constructor(db: Database.Database) {
    this.#db = db;
    this.#isInPlace = inPlace(db.name);
    this.#idAt = db.prepare<[number], string>('SELECT id FROM entry WHERE position = ?').pluck();
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#streamId = db.prepare<[string], number>('SELECT id FROM stream WHERE name = ?').pluck();
    this.#newStream = db.prepare('INSERT INTO stream (name) VALUES (?)');
    this.#lastRevision = db
      .prepare<[number], number>('SELECT revision FROM entry WHERE stream_id = ? ORDER BY revision DESC LIMIT 1')
      .pluck();
    this.#stored = db.prepare(
      'SELECT id, position FROM entry WHERE stream_id = ? AND revision >= ? ORDER BY revision LIMIT ?',
    );
    this.#insert = db.prepare(
      'INSERT INTO entry (stream_id, revision, id, type, data, metadata) VALUES (?, ?, ?, ?, ?, ?)',
    );
  }

  /**
   * Appends all of `entries` or none, in one transaction that other processes' writers wait for.
   *
   * A crash before COMMIT returns leaves all or nothing, and nobody was told; after it, everything is on disk.
   */
  append(stream: string, entries: readonly RawAppend[], expected: ExpectedRevision): AppendResult {
    const [outcome] = this.appendTogether([{ stream, entries, expected }]);
    if (outcome instanceof Error) throw outcome;
    return outcome!;
  }

  /**
   * Several appends with one commit, so that their callers share one sync of the disk. Each is taken or refused by itself, in
   * the order given: one whose expected revision is wrong keeps none of the others out.
   *
   * A crash before COMMIT returns leaves all or nothing of all of them, and none of the callers was told.
   *
   * @returns for each append where it came to stand, or why it did not
   */
  appendTogether(appends: readonly Append[]): (AppendResult | Error)[] {
    let committing = false;
    let begun = false;
    try {
      // The lock comes before the checks: what is compared with `expected` cannot change until the commit.
      this.#begin.run();
      begun = true;
      this.#assertSame();
      const outcomes = appends.map((append) => this.#taken(append));
      committing = true;
      this.#commit.run();
      this.#note(appends, outcomes);
      return outcomes;
    } catch (error) {
      this.#rollBack();
      // Nothing is written. Who of them made it fail is not known, so that each gets a transaction of its own; not so when
      // the lock was not to be had, nor when the commit itself failed, for then all of them may be stored.
      if (begun && !committing && appends.length > 1) return appends.flatMap((append) => this.appendTogether([append]));
      const failure = storeFailure(error, committing) as Error;
      return appends.map(() => failure);
    }
  }

  /** That what is written to is still the store that was written to before. @throws StoreNotOurs */
  #assertSame(): void {
    if (!this.#isInPlace()) throw new StoreNotOurs(notInPlace(this.#db.name));
    if (this.#last !== null && this.#idAt.get(this.#last.position) !== this.#last.id)
      throw new StoreNotOurs(
        `${this.#db.name} does not hold what was last written to it: another store was copied over it`,
      );
  }

  #note(appends: readonly Append[], outcomes: readonly (AppendResult | Error)[]): void {
    outcomes.forEach((outcome, i) => {
      if (outcome instanceof Error || outcome.position <= (this.#last?.position ?? 0)) return;
      this.#last = { position: outcome.position, id: appends[i]!.entries.at(-1)!.id };
    });
  }

  /** Wrong revisions are found before anything of the append is written, so that refusing one undoes nothing. */
  #taken({ stream, entries, expected }: Append): AppendResult | WrongExpectedRevision {
    try {
      return this.#appendLocked(stream, entries, expected);
    } catch (error) {
      if (error instanceof WrongExpectedRevision) return error;
      throw error;
    }
  }

  #appendLocked(stream: string, entries: readonly RawAppend[], expected: ExpectedRevision): AppendResult {
    const known = this.#streamId.get(stream);
    const last = known === undefined ? -1 : (this.#lastRevision.get(known) ?? -1);
    if (expected !== 'any') {
      const after = expected === 'no_stream' ? -1 : expected;
      if (known !== undefined && after < last) {
        const first = this.#firstResult(known, after + 1, entries);
        if (first !== undefined) return first;
      }
      if (after !== last) throw new WrongExpectedRevision(stream, expected, last);
    }
    return this.#write(known ?? Number(this.#newStream.run(stream).lastInsertRowid), last, entries);
  }

  /** The result of the append that stored exactly these ids from `revision` on, if there was one: this is its repeat. */
  #firstResult(streamId: number, revision: number, entries: readonly RawAppend[]): AppendResult | undefined {
    const stored = this.#stored.all(streamId, revision, entries.length);
    const last = stored.at(-1);
    if (last === undefined || stored.length < entries.length) return undefined;
    if (stored.some(({ id }, i) => id !== entries[i]?.id)) return undefined;
    return { revision: revision + stored.length - 1, position: last.position };
  }

  // Rows are never deleted, so SQLite's next rowid is the last position plus one.
  #write(streamId: number, last: number, entries: readonly RawAppend[]): AppendResult {
    let revision = last;
    let position = 0;
    for (const { id, type, data, metadata } of entries) {
      revision += 1;
      position = Number(this.#insert.run(streamId, revision, id, type, data, metadata).lastInsertRowid);
    }
    return { revision, position };
  }

  #rollBack(): void {
    try {
      if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
    } catch {
      // SQLite rolls back by itself on a full disk or a failed write; the first error is the one to tell.
    }
  }
}

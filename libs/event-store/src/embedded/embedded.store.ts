import type Database from 'better-sqlite3';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { inPlace, notInPlace } from '@sijill/platform';
import { EntryStore } from '../entry-store.js';
import { PositionNotFound, StoreNotOurs, StoreUnavailable, StreamNotFound } from '../errors.js';
import type { AppendResult, ExpectedRevision, ReadAllOptions } from '../event-store.port.js';
import { LANE_PREFIX } from '../lane-names.js';
import type { KeylessStore, LeafBytes, RawAppend, RawEvent, RawStore } from '../raw-store.js';
import type { OnNotice } from '../store-notice.js';
import { CommitWatch } from './commit-watch.js';
import { EntryPages } from './entry-pages.js';
import { openReading, openWriting } from './schema.js';
import { storeFailure } from './sqlite-failure.js';
import { Writer } from './writer.js';

const PAGE = 500;

export interface EmbeddedStoreOptions {
  /** The database file; its directory must exist. Several processes of one machine may have it open. */
  readonly file: string;
  /** How often appends of other processes are looked for, in milliseconds: 50. */
  readonly pollMs?: number;
  /** Who writes to the file: a thread of its own. A simulation brings a writer that runs on its own clock. */
  readonly writer?: (file: string) => EntryWriter;
  /** Here for the sake of one shape of options; this store has had nothing to tell so far. */
  readonly onNotice?: OnNotice;
}

/** The one writer of a file in this process. Appends as the port says; a repeat is known, an outcome may stay unknown. */
export interface EntryWriter {
  append(stream: string, entries: readonly RawAppend[], expected: ExpectedRevision): Promise<AppendResult>;
  /** Waits for what is under way, then lets go of the file. */
  close(): Promise<void>;
}

/**
 * Opens an event store in one SQLite file, and creates it when there is none.
 *
 * @throws StoreRefused     the file is damaged, not ours, or of another schema
 * @throws StoreUnavailable the file cannot be opened now
 */
export function openEmbeddedStore(options: EmbeddedStoreOptions): KeylessStore {
  try {
    // Makes the file and judges it here and now; the connection that writes is the writer's own.
    openWriting(options.file).close();
    const { file, writer = (path) => new Writer(path), pollMs = 50 } = options;
    return new EntryStore(new EmbeddedStore(file, writer(file), openReading(file), pollMs), null);
  } catch (error) {
    if (error instanceof TypeError) throw new StoreUnavailable(error.message, { cause: error });
    throw storeFailure(error);
  }
}

class EmbeddedStore implements RawStore {
  readonly kind = 'embedded';
  readonly #pages: EntryPages;
  readonly #commits: CommitWatch;
  readonly #closing = new AbortController();
  readonly #isInPlace: () => boolean;

  constructor(
    private readonly file: string,
    private readonly writer: EntryWriter,
    private readonly reading: Database.Database,
    pollMs: number,
  ) {
    this.#isInPlace = inPlace(file);
    this.#pages = new EntryPages(reading, LANE_PREFIX);
    this.#commits = new CommitWatch(() => this.#pages.dataVersion(), pollMs);
  }

  async append(stream: string, events: readonly RawAppend[], expected: ExpectedRevision): Promise<AppendResult> {
    this.#assertOpen();
    const result = await this.writer.append(stream, events, expected);
    this.#commits.changed();
    return result;
  }

  async *readStream(
    stream: string,
    options: { from?: number; direction?: 'forwards' | 'backwards'; limit?: number } = {},
  ): AsyncGenerator<RawEvent> {
    this.#assertOpen();
    const { direction = 'forwards', limit = Infinity } = options;
    const streamId = this.#pages.streamId(stream);
    if (streamId === undefined) throw new StreamNotFound(stream);
    let from = options.from ?? (direction === 'forwards' ? 0 : Number.MAX_SAFE_INTEGER);
    for (let left = limit; left > 0;) {
      const page = this.#pages.ofStream(streamId, from, direction, Math.min(left, PAGE));
      yield* page;
      const last = page.at(-1);
      if (last === undefined || page.length < Math.min(left, PAGE)) return;
      from = last.revision + (direction === 'forwards' ? 1 : -1);
      left -= page.length;
      await this.#nextPage();
    }
  }

  readAll(options: ReadAllOptions = {}): AsyncGenerator<RawEvent[]> {
    return this.#pagesBehind(
      options,
      (after, limit) => this.#pages.after(after, limit),
      (page) => ({ count: page.length, last: page.at(-1)?.position }),
    );
  }

  readLeaves(options: ReadAllOptions = {}): AsyncGenerator<LeafBytes> {
    return this.#pagesBehind(
      options,
      (after, limit) => this.#pages.leavesAfter(after, limit),
      ({ positions }) => ({ count: positions.length, last: positions.at(-1) }),
    );
  }

  async head(): Promise<number> {
    this.#assertOpen();
    return this.#pages.head();
  }

  async *followAll(options: { after: number; batchSize?: number; signal: AbortSignal }): AsyncGenerator<RawEvent[]> {
    const { batchSize = PAGE } = options;
    const ended = AbortSignal.any([options.signal, this.#closing.signal]);
    let after = options.after;
    if (!ended.aborted) this.#assertPosition(after);
    while (!ended.aborted) {
      const page = this.#pages.after(after, batchSize);
      const last = page.at(-1);
      if (last === undefined) {
        await this.#commits.next(ended);
        continue;
      }
      yield page;
      after = last.position;
      await nextTurn();
    }
  }

  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#closing.abort();
    await this.writer.close();
    this.reading.close();
  }

  /** Pages of the whole order, up to the end as it is met. */
  async *#pagesBehind<Page>(
    { from, after = 0, batchSize = PAGE }: ReadAllOptions,
    read: (after: number, limit: number) => Page,
    reach: (page: Page) => { count: number; last: number | undefined },
  ): AsyncGenerator<Page> {
    this.#assertOpen();
    this.#assertPosition(from ?? after);
    for (let reached = from === undefined ? after : from - 1; ;) {
      const page = read(reached, batchSize);
      const { count, last } = reach(page);
      if (last === undefined) return;
      yield page;
      if (count < batchSize) return;
      reached = last;
      await this.#nextPage();
    }
  }

  #assertPosition(position: number): void {
    if (position > 0 && !this.#pages.isPosition(position)) throw new PositionNotFound(position);
  }

  // SQLite answers within the call: without a pause a long read would keep timers and sockets waiting to its end.
  async #nextPage(): Promise<void> {
    await nextTurn();
    this.#assertOpen();
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new StoreUnavailable('the event store is closed');
    if (!this.#isInPlace()) throw new StoreNotOurs(notInPlace(this.file));
  }
}

import type { EventStoreDBClient } from '@eventstore/db-client';
import { within } from '@sijill/platform';
import { EntriesHidden, OutcomeUnknown, StoreRefused, StoreUnavailable, StreamNotFound } from '../errors.js';
import type { AppendResult, ExpectedRevision, ReadAllOptions } from '../event-store.port.js';
import { LANE_PREFIX } from '../lane-names.js';
import { leafBytes } from '../leaf-text.js';
import type { LeafBytes, RawAppend, RawEvent, RawStore } from '../raw-store.js';
import type { OnNotice } from '../store-notice.js';
import { appendFailure, isKeptByClient, readFailure } from './client-failure.js';
import { GuardedClient } from './guarded-client.js';
import { LogHead } from './log-head.js';
import { endOfLog, eventsOfLog, eventsOfStream } from './log-reading.js';
import { followLog } from './log-subscription.js';
import { OwnStreams } from './own-streams.js';
import { clientEvent, safePosition } from './recorded-entry.js';

const BATCH = 500;
// The server is told a time by our clock, and refuses what is past by its own. How long we wait is our own business: what it is told
// has to lie ahead of it however far the two clocks are apart.
const DEADLINE_MS = 86_400_000;

export interface EventStoreDbOptions {
  /** `esdb://` or `esdb+discover://`, with the credentials in it: given by call, they would select a slower append. */
  readonly connectionString: string;
  /** Streams that are the ledger's: `ledger-`. */
  readonly streamPrefix?: string;
  /** How long an append may take before its outcome is called unknown: 5000 ms, more than the server's own limits. */
  readonly appendTimeoutMs?: number;
  /** How long a subscription may be silent before it is checked against the log's end: 30 000 ms. */
  readonly stallCheckMs?: number;
  readonly onNotice?: OnNotice;
  /**
   * Looks whether the store that answers is the right one: asked whenever a call begins over which is appended or followed, before it is used
   * and once it has answered, for a server can come back with other data. What it throws keeps the append, or what was read, from counting.
   */
  readonly onConnect?: () => Promise<void>;
}

/** A client for appends and the appends that wait for it. */
interface Writing {
  readonly guarded: GuardedClient;
  underWay: number;
  /** The call behind which the right store was seen. */
  seen: object | null;
}

/** The event store on EventStoreDB, see `openEventStoreDb`. */
export class EventStoreDbStore implements RawStore {
  readonly kind = 'eventstoredb';
  readonly #prefix: string;
  readonly #appendTimeoutMs: number;
  readonly #closing = new AbortController();
  readonly #underWay = new Set<Promise<unknown>>();
  // Reads and subscriptions have a client of their own, so that replacing the one for appends disturbs none of them.
  readonly #reading: GuardedClient;
  readonly #head: LogHead;
  readonly #own: OwnStreams;
  #writing: Writing;

  constructor(private readonly options: EventStoreDbOptions) {
    this.#prefix = options.streamPrefix ?? LANE_PREFIX;
    this.#appendTimeoutMs = options.appendTimeoutMs ?? 5_000;
    this.#reading = this.#connect();
    this.#head = new LogHead(this.#reading.client, this.#prefix);
    this.#own = new OwnStreams(this.#prefix, options.onNotice);
    this.#writing = { guarded: this.#connect(), underWay: 0, seen: null };
  }

  async append(stream: string, events: readonly RawAppend[], expected: ExpectedRevision): Promise<AppendResult> {
    this.#assertOpen();
    const appending = this.#append(stream, events.map(clientEvent), expected);
    this.#underWay.add(appending);
    try {
      return await appending;
    } finally {
      this.#underWay.delete(appending);
    }
  }

  async *readStream(
    stream: string,
    options: { from?: number; direction?: 'forwards' | 'backwards'; limit?: number } = {},
  ): AsyncGenerator<RawEvent> {
    this.#assertOpen();
    yield* eventsOfStream(this.#reading.client, stream, options);
  }

  async *readAll(options: ReadAllOptions = {}): AsyncGenerator<RawEvent[]> {
    this.#assertOpen();
    yield* this.#noting(eventsOfLog(this.#reading.client, this.#prefix, { batchSize: BATCH, ...options }));
  }

  async *readLeaves(options: ReadAllOptions = {}): AsyncGenerator<LeafBytes> {
    for await (const batch of this.readAll(options)) yield leafBytes(batch);
  }

  async head(): Promise<number> {
    this.#assertOpen();
    return this.#head.position();
  }

  async *followAll(options: { after: number; batchSize?: number; signal: AbortSignal }): AsyncGenerator<RawEvent[]> {
    const following = followLog({
      head: this.#head,
      client: this.#reading.client,
      prefix: this.#prefix,
      after: options.after,
      batchSize: options.batchSize ?? BATCH,
      stallCheckMs: this.options.stallCheckMs ?? 30_000,
      signal: AbortSignal.any([options.signal, this.#closing.signal]),
      onNotice: this.options.onNotice,
      onConnect: this.options.onConnect ?? (() => Promise.resolve()),
    });
    yield* this.#noting(following);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await Promise.allSettled(this.#underWay);
    await Promise.all([this.#reading.discard(), this.#writing.guarded.discard()]);
  }

  /** What was read need not be looked for. */
  async *#noting(batches: AsyncIterable<RawEvent[]>): AsyncGenerator<RawEvent[]> {
    for await (const batch of batches) {
      this.#head.note(batch.at(-1)!.position);
      yield batch;
    }
  }

  async #append(
    stream: string,
    events: ReturnType<typeof clientEvent>[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    const writing = this.#writing;
    writing.underWay += 1;
    try {
      let isNew = beginsCall(writing);
      if (isNew) {
        await this.options.onConnect?.();
        this.#own.lookAgain();
      }
      await this.#closeToOthers(writing, stream);
      // Meanwhile the call may have broken.
      isNew ||= beginsCall(writing);
      const { looked } = this.#head;
      const result = await this.#inTime(appended(writing.guarded.client, stream, events, expected));
      if (isNew) {
        const { appendCall } = writing.guarded;
        await this.options.onConnect?.();
        writing.seen = appendCall;
      }
      const revision = Number(result.nextExpectedRevision);
      const before = revision - events.length;
      // A stream that was deleted for now passes for a new one, and goes on behind what is hidden.
      if (expected !== 'any' && before !== (expected === 'no_stream' ? -1 : expected))
        throw new EntriesHidden(stream, 0, before);
      // A repeat of entries that are stored but hidden comes back without a position.
      const position = result.position?.commit ?? (await this.#positionOf(stream, revision));
      // What stands where something stood before was there already.
      if (position <= looked) await this.#assertReadable(stream, before + 1, revision, position);
      const stored = { revision, position: safePosition(position) };
      if (stream.startsWith(this.#prefix)) this.#head.note(stored.position);
      return stored;
    } catch (error) {
      if (error instanceof AppendTimedOut || isKeptByClient(error)) this.#replace(writing, error);
      if ([OutcomeUnknown, StoreRefused, StoreUnavailable].some((kind) => error instanceof kind)) throw error;
      throw appendFailure(error, stream, expected, writing.guarded.appendCallFailed);
    } finally {
      writing.underWay -= 1;
      this.#discardWhenIdle(writing);
    }
  }

  /** Before it is written to. @throws StoreUnavailable | StoreRefused nothing was appended */
  async #closeToOthers(writing: Writing, stream: string): Promise<void> {
    try {
      await this.#inTime(this.#own.close(writing.guarded, stream));
    } catch (error) {
      if (error instanceof AppendTimedOut || isKeptByClient(error)) this.#replace(writing, error);
      throw readFailure(error, stream);
    }
  }

  /** The client has no time limit of its own for appends, nor for the question it asks the server before the first. */
  #inTime<T>(answer: Promise<T>): Promise<T> {
    const limit = this.#appendTimeoutMs;
    return within(limit, answer, () => {
      throw new AppendTimedOut(`no answer in ${limit} ms`);
    });
  }

  /**
   * That a repeat can be read, all of it: its last entry alone says nothing about the others.
   *
   * @throws EntriesHidden
   * @throws OutcomeUnknown who was read from is behind: a leader of before that was frozen, and does not know yet that it leads no more
   */
  async #assertReadable(stream: string, first: number, last: number, position: bigint): Promise<void> {
    if ((await this.#unread(stream, first, last)) > last) return;
    if ((await endOfLog(this.#reading.client)) < position)
      throw new OutcomeUnknown(
        `it is stored at position ${position}, and the node that is read from does not have that yet`,
      );
    const missing = await this.#unread(stream, first, last);
    if (missing <= last) throw new EntriesHidden(stream, missing, last);
  }

  /** The first of some revisions that cannot be read; the one behind them when all can. */
  async #unread(stream: string, first: number, last: number): Promise<number> {
    let next = first;
    const limit = last - first + 1;
    for await (const { revision } of eventsOfStream(this.#reading.client, stream, { from: first, limit }))
      if (revision === next) next += 1;
    return next;
  }

  async #positionOf(stream: string, revision: number): Promise<bigint> {
    try {
      for await (const event of eventsOfStream(this.#reading.client, stream, { from: revision, limit: 1 }))
        if (event.revision === revision) return BigInt(event.position);
    } catch (error) {
      if (!(error instanceof StreamNotFound)) throw error;
    }
    throw new EntriesHidden(stream, 0, revision);
  }

  /**
   * Gives new appends a new client. The old one keeps its call until the appends that wait for it are settled, each by its
   * answer or its own time limit.
   */
  #replace(writing: Writing, error: unknown): void {
    if (this.#writing !== writing) return;
    this.#writing = { guarded: this.#connect(), underWay: 0, seen: null };
    this.options.onNotice?.({ what: 'connection replaced', detail: 'appends use a new client', error });
  }

  #discardWhenIdle(writing: Writing): void {
    if (writing !== this.#writing && writing.underWay === 0) void writing.guarded.discard();
  }

  #connect(): GuardedClient {
    return new GuardedClient(this.options.connectionString, this.options.onNotice);
  }

  #assertOpen(): void {
    if (this.#closing.signal.aborted) throw new StoreUnavailable('the event store is closed');
  }
}

/** Whether the next append goes over a call behind which the right store was not seen yet. */
function beginsCall({ seen, guarded }: Writing): boolean {
  return seen === null || seen !== guarded.appendCall;
}

function appended(
  client: EventStoreDBClient,
  stream: string,
  events: ReturnType<typeof clientEvent>[],
  expected: ExpectedRevision,
): ReturnType<EventStoreDBClient['appendToStream']> {
  const expectedRevision = typeof expected === 'number' ? BigInt(expected) : expected;
  return client.appendToStream(stream, events, { expectedRevision, deadline: DEADLINE_MS });
}

class AppendTimedOut extends OutcomeUnknown {}

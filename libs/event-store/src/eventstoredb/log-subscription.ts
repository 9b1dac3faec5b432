import { streamNameFilter, type EventStoreDBClient } from '@eventstore/db-client';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { orAborted, rest } from '@sijill/platform';
import { StoreUnavailable } from '../errors.js';
import type { RawEvent } from '../raw-store.js';
import type { OnNotice } from '../store-notice.js';
import { readFailure } from './client-failure.js';
import type { LogHead } from './log-head.js';
import { assertPosition, logPosition } from './log-reading.js';
import { isOfLedger, rawEvent, type RecordedEvent } from './recorded-entry.js';

const FIRST_PAUSE_MS = 50;
const LONGEST_PAUSE_MS = 5_000;

export interface FollowOptions {
  readonly head: LogHead;
  readonly client: EventStoreDBClient;
  readonly prefix: string;
  readonly after: number;
  readonly batchSize: number;
  /** After this long without an entry the log's end is looked up, to find out whether the subscription still works. */
  readonly stallCheckMs: number;
  readonly signal: AbortSignal;
  readonly onNotice: OnNotice | undefined;
  /** See `EventStoreDbOptions`. */
  readonly onConnect: () => Promise<void>;
}

/**
 * Follows the log, subscribing again whenever the subscription ends: servers drop subscribers, are restarted, and may say so
 * by an error, an end, a close, or not at all.
 *
 * It resumes behind the last entry it gave. The server's checkpoints would spare it a look at other streams' events, but they
 * overtake entries that still wait in our buffer, and one release sends a checkpoint that means "the end". So we take none.
 *
 * @throws PositionNotFound not the log that the position came from
 * @throws StoreRefused     no right to read the log
 */
export async function* followLog(options: FollowOptions): AsyncGenerator<RawEvent[]> {
  const { signal, onNotice } = options;
  let after = options.after;
  let wait = FIRST_PAUSE_MS;
  while (!signal.aborted) {
    const began = Date.now();
    let subscription: LogSubscription | null = null;
    try {
      await orAborted(options.onConnect(), signal);
      await orAborted(assertPosition(options.client, options.prefix, after), signal);
      if (signal.aborted) return;
      subscription = new LogSubscription({ ...options, after });
      let isNew = true;
      for await (const batch of subscription.batches()) {
        if (isNew) await orAborted(options.onConnect(), signal);
        if (signal.aborted) return;
        isNew = false;
        yield batch;
        after = batch.at(-1)?.position ?? after;
        wait = FIRST_PAUSE_MS;
      }
    } catch (error) {
      const failure = readFailure(error, '$all');
      if (!(failure instanceof StoreUnavailable)) throw failure;
      const detail = `after position ${after}: ${failure.message}`;
      onNotice?.({ what: 'subscription resumes', detail, error: failure });
    } finally {
      await subscription?.end();
    }
    if (Date.now() - began > LONGEST_PAUSE_MS) wait = FIRST_PAUSE_MS;
    await rest(wait, signal);
    wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
  }
}

/** What is used of the client's subscriptions. */
interface ClientSubscription {
  readonly readableLength: number;
  read(): unknown;
  destroy(): unknown;
  unsubscribe(): Promise<void>;
  on(event: 'error' | 'end' | 'close' | 'readable', listener: (argument?: unknown) => void): unknown;
}

/** One subscription from its beginning to whatever ends it. */
class LogSubscription {
  readonly #subscription: ClientSubscription;
  #failure: unknown;
  #ended = false;
  #wake: () => void = () => undefined;
  #after: number;

  constructor(private readonly options: FollowOptions) {
    const { client, prefix, after, batchSize, signal } = options;
    this.#after = after;
    this.#subscription = client.subscribeToAll(
      { fromPosition: logPosition(after), filter: streamNameFilter({ prefixes: [prefix] }) },
      { highWaterMark: batchSize },
    );
    const ended = (failure?: unknown) => {
      this.#failure ??= failure;
      this.#ended = true;
      this.#wake();
    };
    // After an error neither an end nor a close follows; after an end there was no error. Any of them is the end.
    this.#subscription.on('error', ended);
    this.#subscription.on('end', () => ended());
    this.#subscription.on('close', () => ended());
    this.#subscription.on('readable', () => this.#wake());
    signal.addEventListener('abort', this.#onAbort);
  }

  /** Batches of entries until the subscription has ended and its buffer is empty, or the signal is aborted. */
  async *batches(): AsyncGenerator<RawEvent[]> {
    while (!this.options.signal.aborted) {
      const batch = this.#buffered();
      if (batch.length > 0) {
        yield batch;
        continue;
      }
      if (this.#ended) throw this.#failure ?? new StoreUnavailable('the subscription ended');
      if (!(await this.#something())) await this.#assertAtEnd();
      // What arrived in the same packet is still on its way into the buffer.
      await nextTurn();
    }
  }

  async end(): Promise<void> {
    this.options.signal.removeEventListener('abort', this.#onAbort);
    // Not awaited for ever: without a connection there is no call to cancel yet.
    const unsubscribed = this.#subscription.unsubscribe().catch(() => undefined);
    await Promise.race([unsubscribed, nextTurn().then(() => nextTurn())]);
    this.#subscription.destroy();
  }

  readonly #onAbort = () => this.#wake();

  #buffered(): RawEvent[] {
    const batch: RawEvent[] = [];
    while (batch.length < this.options.batchSize) {
      const resolved = this.#subscription.read() as { event?: RecordedEvent } | null;
      if (resolved === null) break;
      if (!isOfLedger(resolved.event, this.options.prefix)) continue;
      const event = rawEvent(resolved.event);
      // The server has kept this order in every release; a consumer must not see it broken even once.
      if (event.position <= this.#after) continue;
      this.#after = event.position;
      batch.push(event);
    }
    return batch;
  }

  /** Waits until there may be something to do; false when nothing came in time. */
  #something(): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (came: boolean) => {
        clearTimeout(timer);
        this.#wake = () => undefined;
        resolve(came);
      };
      const timer = setTimeout(() => settle(false), this.options.stallCheckMs);
      this.#wake = () => settle(true);
      if (this.options.signal.aborted || this.#ended || this.#subscription.readableLength > 0) settle(true);
    });
  }

  async #assertAtEnd(): Promise<void> {
    const last = await this.options.head.position();
    // Entries between the look-up and now are in the buffer or on their way: a second silent interval decides.
    if (last <= this.#after || this.#subscription.readableLength > 0) return;
    if (await this.#something()) return;
    throw new StoreUnavailable(`the subscription is silent, and the log has entries up to ${last}`);
  }
}

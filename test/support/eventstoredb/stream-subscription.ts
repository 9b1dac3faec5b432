import type { Recorded } from './log-file.js';
import { caughtUp } from './subscription-messages.js';
import {
  LIVE_BUFFER,
  PAGE,
  type SourceOf,
  type SubscriptionOptions,
  type SubscriptionSource,
} from './subscription-source.js';
import { fromRevision } from './truncation.js';
import { readEvent, streamDeleted, streamName, type ReadResp } from './wire.js';

/** The messages of a subscription to one stream. */
export class StreamSubscription implements SubscriptionSource {
  readonly #stream: string;
  #after: bigint;
  #live = false;

  constructor(
    options: SubscriptionOptions,
    private readonly server: SourceOf,
  ) {
    const { log } = server;
    const from = options.getStream();
    this.#stream = streamName(from?.getStreamIdentifier());
    if (log.isTombstoned(this.#stream)) throw streamDeleted(this.#stream);
    const last = log.visible(this.#stream)?.at(-1)?.revision ?? -1n;
    this.#after = from?.hasRevision() === true ? BigInt(from.getRevision()) : from?.hasEnd() === true ? last : -1n;
  }

  get isLive(): boolean {
    return this.#live;
  }

  behind(): number {
    return this.#waiting().length;
  }

  next(): ReadResp[] {
    const { log, behaviour } = this.server;
    const waiting = this.#waiting();
    if (!behaviour.dropsSlowReaders && this.#live && waiting.length > LIVE_BUFFER) this.#live = false;
    const page = waiting.slice(0, this.#live ? 1 : PAGE);
    this.#after = page.at(-1)?.revision ?? this.#after;
    const messages = page.map(readEvent);
    if (messages.length === 0 && log.isTombstoned(this.#stream)) return this.#tombstone();
    if (this.#live || page.length < waiting.length) return messages;
    const isThere = log.visible(this.#stream) !== undefined;
    if (behaviour.caughtUp === 'once there is a stream' && !isThere) return messages;
    this.#live = true;
    return behaviour.caughtUp === 'never' ? messages : [...messages, caughtUp()];
  }

  #waiting(): readonly Recorded[] {
    return fromRevision(this.server.log.visible(this.#stream) ?? [], this.#after + 1n);
  }

  // Where the mark is shown, it is shown before the subscription ends.
  #tombstone(): ReadResp[] {
    const mark = this.server.log.tombstoneOf(this.#stream);
    if (mark === undefined || !this.server.behaviour.showsTombstone || this.#after === mark.revision)
      throw streamDeleted(this.#stream);
    this.#after = mark.revision;
    return [readEvent(mark)];
  }
}

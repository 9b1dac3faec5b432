import { passes } from './filters.js';
import type { Recorded } from './log-file.js';
import { caughtUp, checkpoint } from './subscription-messages.js';
import {
  LIVE_BUFFER,
  PAGE,
  type SourceOf,
  type SubscriptionOptions,
  type SubscriptionSource,
} from './subscription-source.js';
import { END_POSITION, failure, readEvent, type ReadResp } from './wire.js';

/** The messages of a subscription to the log, page by page. */
export class LogSubscription implements SubscriptionSource {
  readonly #passes: (record: Recorded) => boolean;
  readonly #interval: number;
  readonly #fromStart: boolean;
  /** The position from which it goes on. */
  #next: number;
  #live = false;
  #considered = 0;
  #sent: number | undefined;
  #checkpointed = -1;
  #checkpointsOver = false;

  constructor(
    options: SubscriptionOptions,
    private readonly server: SourceOf,
  ) {
    const { log, behaviour } = server;
    const filter = options.getFilter();
    this.#passes = filter === undefined ? () => true : passes(filter);
    const window = filter?.hasMax() === true ? filter.getMax() : PAGE;
    this.#interval = filter === undefined ? Infinity : window * filter.getCheckpointintervalmultiplier();
    const from = options.getAll();
    const position = from?.getPosition();
    this.#fromStart = from?.hasStart() === true;
    this.#next = from?.hasEnd() === true ? log.end : 0;
    if (position === undefined) return;
    const at = BigInt(position.getCommitPosition());
    const { code, details } = behaviour.badPosition.subscription;
    if (!log.isPosition(at)) throw failure(code, details);
    this.#next = Number(at) + 1;
  }

  get isLive(): boolean {
    return this.#live;
  }

  behind(): number {
    const { log } = this.server;
    return log.all.length - log.indexAt(this.#next);
  }

  next(): ReadResp[] {
    const { log, behaviour } = this.server;
    if (!behaviour.dropsSlowReaders && this.#live && this.behind() > LIVE_BUFFER) {
      this.#live = false;
      this.#considered = 0;
    }
    for (;;) {
      const page = log.page(this.#next, this.#live ? 1 : PAGE);
      this.#next = (page.at(-1)?.position ?? this.#next - 1) + 1;
      const messages = this.#messages(page);
      // A page of other streams' events has nothing to say, and must not look like the end of the log.
      if (messages.length > 0 || page.length === 0) return messages;
    }
  }

  #messages(page: readonly Recorded[]): ReadResp[] {
    const messages: ReadResp[] = [];
    for (const record of page) {
      this.#considered += 1;
      if (this.#passes(record)) {
        messages.push(readEvent(record));
        this.#sent = record.position;
      }
      if (this.#live && this.#considered % this.#interval === 0) messages.push(...this.#checkpoint(record.position));
    }
    return this.#live ? messages : [...messages, ...this.#pageEnd(page)];
  }

  #pageEnd(page: readonly Recorded[]): ReadResp[] {
    const { behaviour } = this.server;
    const reachedEnd = this.behind() === 0;
    const messages: ReadResp[] = [];
    const latest = Math.max(this.#sent ?? -1, page[0]?.position ?? -1);
    if (this.#considered >= this.#interval || (reachedEnd && this.#interval !== Infinity)) {
      // Started from the beginning, with nothing sent at the log's end: "the end", and no checkpoint after it.
      const isTrap = this.#fromStart && this.#sent === undefined && this.#checkpointed < 0;
      if (behaviour.hasCheckpointTrap && isTrap && this.#considered < this.#interval) {
        messages.push(checkpoint(END_POSITION));
        this.#checkpointsOver = true;
      } else {
        messages.push(...this.#checkpoint(latest));
      }
      this.#considered = 0;
    }
    if (!reachedEnd) return messages;
    this.#live = true;
    this.#considered = 0;
    return behaviour.caughtUp === 'never' ? messages : [...messages, caughtUp()];
  }

  #checkpoint(position: number): ReadResp[] {
    if (this.#checkpointsOver || position <= this.#checkpointed) return [];
    this.#checkpointed = position;
    return [checkpoint(String(position))];
  }
}

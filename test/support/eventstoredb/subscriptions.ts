import type { EventLog } from './event-log.js';
import type { FaultBoard } from './faults.js';
import type { Recorded } from './log-file.js';
import { send, type ReadCall } from './read-call.js';
import { code, END_POSITION, failure, readEvent, streamDeleted, streamName, streams, type ReadReq } from './wire.js';

type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;
type FilterOptions = NonNullable<ReturnType<Options['getFilter']>>;

const PAGE = 32;

/**
 * Serves one subscription until the client leaves: the confirmation, what is there in pages, "caught up", and what comes.
 * A client that reads slowly makes it wait, as releases since 24.2 do; older ones hung up.
 */
export async function subscribe(call: ReadCall, options: Options, log: EventLog, faults: FaultBoard): Promise<void> {
  const confirmation = new streams.ReadResp.SubscriptionConfirmation();
  confirmation.setSubscriptionId(crypto.randomUUID());
  const confirmed = new streams.ReadResp();
  confirmed.setConfirmation(confirmation);
  const source = options.hasAll() ? new AllSource(options, log) : new StreamSource(options, log);
  let dropped: code | 'end' | undefined;
  let wake = () => undefined as void;
  const appended = () => wake();
  const unregister = faults.subscribed((how) => {
    dropped = how;
    wake();
  });
  log.on('appended', appended);
  call.on('cancelled', appended);
  try {
    await send(call, confirmed);
    while (!call.cancelled) {
      if (dropped === 'end') return;
      if (dropped !== undefined) throw failure(dropped, 'the stand-in dropped the subscription');
      const messages = faults.muteSubscriptions ? [] : source.next();
      for (const message of messages) {
        if (dropped !== undefined) break;
        if (!(await send(call, message))) return;
      }
      if (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    unregister();
    log.off('appended', appended);
  }
}

type ReadResp = InstanceType<typeof streams.ReadResp>;

/** The messages of a subscription to the log, page by page; an empty page means: wait. */
class AllSource {
  readonly #passes: (record: Recorded) => boolean;
  readonly #interval: number;
  readonly #fromStart: boolean;
  #index: number;
  #live = false;
  #considered = 0;
  #sent: number | undefined;
  #checkpointed = -1;
  #checkpointsOver = false;

  constructor(
    options: Options,
    private readonly log: EventLog,
  ) {
    const filter = options.getFilter();
    this.#passes = filter === undefined ? () => true : passes(filter);
    const window = filter?.hasMax() === true ? filter.getMax() : PAGE;
    this.#interval = filter === undefined ? Infinity : window * filter.getCheckpointintervalmultiplier();
    const from = options.getAll();
    const position = from?.getPosition();
    this.#fromStart = from?.hasStart() === true;
    this.#index = from?.hasEnd() === true ? log.all.length : 0;
    if (position === undefined) return;
    const at = BigInt(position.getCommitPosition());
    if (!log.isPosition(at)) throw failure(code.INVALID_ARGUMENT, 'Trying to read from an invalid position.');
    this.#index = log.indexAt(at + 1n);
  }

  next(): ReadResp[] {
    for (;;) {
      const page = this.log.all.slice(this.#index, this.#index + (this.#live ? 1 : PAGE));
      this.#index += page.length;
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
    const reachedEnd = this.#index >= this.log.all.length;
    const messages: ReadResp[] = [];
    const latest = Math.max(this.#sent ?? -1, page[0]?.position ?? -1);
    if (this.#considered >= this.#interval || (reachedEnd && this.#interval !== Infinity)) {
      // Releases before 24.10.10, started from the beginning and with nothing sent at the log's end, send "the end" here
      // and no checkpoint after it.
      if (this.#fromStart && this.#sent === undefined && this.#considered < this.#interval) {
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
    const caughtUp = new streams.ReadResp();
    caughtUp.setCaughtUp(new streams.ReadResp.CaughtUp());
    return [...messages, caughtUp];
  }

  #checkpoint(position: number): ReadResp[] {
    if (this.#checkpointsOver || position <= this.#checkpointed) return [];
    this.#checkpointed = position;
    return [checkpoint(String(position))];
  }
}

/** The messages of a subscription to one stream. */
class StreamSource {
  readonly #stream: string;
  #after: bigint;
  #live = false;

  constructor(
    options: Options,
    private readonly log: EventLog,
  ) {
    const from = options.getStream();
    this.#stream = streamName(from?.getStreamIdentifier());
    if (log.isTombstoned(this.#stream)) throw streamDeleted(this.#stream);
    const last = log.visible(this.#stream)?.at(-1)?.revision ?? -1n;
    this.#after = from?.hasRevision() === true ? BigInt(from.getRevision()) : from?.hasEnd() === true ? last : -1n;
  }

  next(): ReadResp[] {
    if (this.log.isTombstoned(this.#stream)) throw streamDeleted(this.#stream);
    const events = (this.log.visible(this.#stream) ?? []).filter(({ revision }) => revision > this.#after);
    this.#after = events.at(-1)?.revision ?? this.#after;
    const messages = events.map(readEvent);
    if (this.#live) return messages;
    this.#live = true;
    const caughtUp = new streams.ReadResp();
    caughtUp.setCaughtUp(new streams.ReadResp.CaughtUp());
    return [...messages, caughtUp];
  }
}

function checkpoint(position: string): ReadResp {
  const message = new streams.ReadResp.Checkpoint();
  message.setCommitPosition(position);
  message.setPreparePosition(position);
  const response = new streams.ReadResp();
  response.setCheckpoint(message);
  return response;
}

// The server's regular expressions are those of .NET; for the plain ones in use the difference does not show.
function passes(filter: FilterOptions): (record: Recorded) => boolean {
  if (filter.getCheckpointintervalmultiplier() < 1)
    throw failure(code.INVALID_ARGUMENT, 'checkpoint interval must be greater than 0');
  const expression = filter.getStreamIdentifier() ?? filter.getEventType();
  const field = filter.hasStreamIdentifier() ? 'stream' : 'type';
  const regex = expression?.getRegex() ? new RegExp(expression.getRegex()) : undefined;
  const prefixes = expression?.getPrefixList() ?? [];
  return (record) => (regex ? regex.test(record[field]) : prefixes.some((prefix) => record[field].startsWith(prefix)));
}

import type { ServiceError } from '@grpc/grpc-js';
import type { Release } from './access.js';
import type { EventLog } from './event-log.js';
import type { FaultBoard } from './faults.js';
import type { Recorded } from './log-file.js';
import { send, type ReadCall } from './read-call.js';
import { code, END_POSITION, failure, readEvent, streamDeleted, streamName, streams, type ReadReq } from './wire.js';

type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;
type FilterOptions = NonNullable<ReturnType<Options['getFilter']>>;
type ReadResp = InstanceType<typeof streams.ReadResp>;

/** Events the server reads at once while it catches up. */
const PAGE = 32;
/** Events it holds for a subscriber that has caught up; more than these and it has fallen behind. */
const LIVE_BUFFER = 32;

interface Server {
  readonly log: EventLog;
  readonly faults: FaultBoard;
  readonly release: Release;
  /** Why the caller may not read this, as things stand. */
  readonly denial: () => ServiceError | undefined;
}

/**
 * Serves one subscription until the client leaves: the confirmation, what is there in pages, "caught up", and what comes.
 *
 * A client that reads slowly makes it wait. Releases since 24.2 then go back to pages and say "caught up" again; older ones
 * hang up.
 */
export async function subscribe(call: ReadCall, options: Options, server: Server): Promise<void> {
  const { log, faults, release, denial } = server;
  const source = options.hasAll() ? new AllSource(options, server) : new StreamSource(options, server);
  let dropped: ServiceError | 'end' | undefined;
  let rights = log.rightsVersion;
  let isBlocked = false;
  let wake = () => undefined as void;
  const appended = () => {
    if (release === '22.10' && isBlocked && source.isLive && source.behind() > LIVE_BUFFER) dropped ??= tooSlow();
    if (rights !== log.rightsVersion) dropped ??= denial();
    rights = log.rightsVersion;
    wake();
  };
  const unregister = faults.subscribed((how) => {
    dropped = how === 'end' ? how : failure(how, 'the stand-in dropped the subscription');
    wake();
  });
  log.on('appended', appended);
  call.on('cancelled', appended);
  try {
    await send(call, confirmation());
    while (!call.cancelled) {
      if (dropped === 'end') return;
      if (dropped !== undefined) throw dropped;
      const messages = faults.muteSubscriptions ? [] : source.next();
      for (const message of messages) {
        if (dropped !== undefined) break;
        isBlocked = true;
        if (!(await send(call, message))) return;
        isBlocked = false;
      }
      if (messages.length === 0) await new Promise<void>((resolve) => (wake = resolve));
    }
  } finally {
    unregister();
    log.off('appended', appended);
  }
}

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
    private readonly server: Server,
  ) {
    const { log, release } = server;
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
    if (!log.isPosition(at))
      throw failure(
        release === '22.10' ? code.UNKNOWN : code.INVALID_ARGUMENT,
        'Trying to read from an invalid position.',
      );
    this.#index = log.indexAt(at + 1n);
  }

  get isLive(): boolean {
    return this.#live;
  }

  behind(): number {
    return this.server.log.all.length - this.#index;
  }

  next(): ReadResp[] {
    const { log, release } = this.server;
    if (release !== '22.10' && this.#live && this.behind() > LIVE_BUFFER) {
      this.#live = false;
      this.#considered = 0;
    }
    for (;;) {
      const page = log.all.slice(this.#index, this.#index + (this.#live ? 1 : PAGE));
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
    const reachedEnd = this.#index >= this.server.log.all.length;
    const messages: ReadResp[] = [];
    const latest = Math.max(this.#sent ?? -1, page[0]?.position ?? -1);
    if (this.#considered >= this.#interval || (reachedEnd && this.#interval !== Infinity)) {
      // Releases from 24.10.0 to before 24.10.10, started from the beginning and with nothing sent at the log's end, send
      // "the end" here and no checkpoint after it.
      const isTrap = this.#fromStart && this.#sent === undefined && this.#checkpointed < 0;
      if (this.server.release === '24.10' && isTrap && this.#considered < this.#interval) {
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
    return [...messages, ...caughtUp(this.server.release)];
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
    private readonly server: Server,
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
    const { log, release } = this.server;
    const waiting = this.#waiting();
    if (release !== '22.10' && this.#live && waiting.length > LIVE_BUFFER) this.#live = false;
    const page = waiting.slice(0, this.#live ? 1 : PAGE);
    this.#after = page.at(-1)?.revision ?? this.#after;
    const messages = page.map(readEvent);
    if (messages.length === 0 && log.isTombstoned(this.#stream)) return this.#tombstone();
    if (this.#live || page.length < waiting.length) return messages;
    this.#live = true;
    return [...messages, ...caughtUp(release)];
  }

  #waiting(): readonly Recorded[] {
    const events = this.server.log.visible(this.#stream) ?? [];
    const first = events[0]?.revision ?? 0n;
    return events.slice(Math.max(0, Number(this.#after + 1n - first)));
  }

  // The current releases show the mark itself before they end the subscription.
  #tombstone(): ReadResp[] {
    const mark = this.server.log.tombstoneOf(this.#stream);
    if (mark === undefined || this.server.release === '22.10' || this.#after === mark.revision)
      throw streamDeleted(this.#stream);
    this.#after = mark.revision;
    return [readEvent(mark)];
  }
}

function confirmation(): ReadResp {
  const message = new streams.ReadResp.SubscriptionConfirmation();
  message.setSubscriptionId(crypto.randomUUID());
  const response = new streams.ReadResp();
  response.setConfirmation(message);
  return response;
}

function caughtUp(release: Release): ReadResp[] {
  if (release === '22.10') return [];
  const response = new streams.ReadResp();
  response.setCaughtUp(new streams.ReadResp.CaughtUp());
  return [response];
}

function tooSlow(): ServiceError {
  const why = 'Consumer too slow to handle event while live. Client resubscription required.';
  return failure(code.ABORTED, `Operation timed out: ${why}`);
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

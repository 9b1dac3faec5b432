import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { Access } from './access.js';
import type { EventLog } from './event-log.js';
import type { FaultBoard } from './faults.js';
import type { Recorded } from './log-file.js';
import { send, type ReadCall } from './read-call.js';
import type { Behaviour } from './releases.js';
import { PAGE } from './subscription-source.js';
import { subscribe } from './subscriptions.js';
import { fromRevision } from './truncation.js';
import { code, failure, readEvent, streamDeleted, streamName, streams, type ReadReq, type ReadResp } from './wire.js';

type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;

/** Reads of a stream and of the log, and subscriptions to either. */
export function read(
  log: EventLog,
  access: Access,
  faults: FaultBoard,
  behaviour: Behaviour,
): handleServerStreamingCall<ReadReq, ReadResp> {
  return (call) => {
    const options = call.request.getOptions();
    if (options === undefined || options.getUuidOption() === undefined)
      return void call.emit('error', failure(code.INVALID_ARGUMENT, 'uuid_option is required'));
    const stream = options.hasAll() ? '$all' : streamName(options.getStream()?.getStreamIdentifier());
    const caller = access.caller(call.metadata);
    const denial = () => access.denial(caller, '$r', stream);
    const denied = denial();
    if (denied !== undefined) return void call.emit('error', denied);
    if (options.hasFilter() && !options.hasAll())
      return void call.emit('error', failure(code.INVALID_ARGUMENT, 'filters are for $all'));
    const kind = options.hasSubscription() ? 'subscriptions' : 'reads';
    faults.open[kind] += 1;
    const answered = options.hasSubscription()
      ? subscribe(call, options, { log, faults, behaviour, denial })
      : answerRead(call, options, { log, behaviour });
    answered
      .then(
        () => call.end(),
        (error: unknown) => call.emit('error', error),
      )
      .finally(() => (faults.open[kind] -= 1));
  };
}

interface Server {
  readonly log: EventLog;
  readonly behaviour: Behaviour;
}

async function answerRead(call: ReadCall, options: Options, server: Server): Promise<void> {
  const events = options.hasAll() ? allEvents(options, server) : streamEvents(options, server.log);
  if (events === undefined) {
    const missing = new streams.ReadResp.StreamNotFound();
    missing.setStreamIdentifier(options.getStream()?.getStreamIdentifier());
    const response = new streams.ReadResp();
    response.setStreamNotFound(missing);
    await send(call, response);
    return;
  }
  let left = BigInt(options.getCount());
  for (const event of events) {
    if (left <= 0n) return;
    left -= 1n;
    if (!(await send(call, readEvent(event)))) return;
  }
}

function allEvents(options: Options, { log, behaviour }: Server): Iterable<Recorded> {
  const from = options.getAll();
  const given = from?.getPosition()?.getCommitPosition();
  const at = given === undefined ? undefined : Number(given);
  const { code: why, details } = behaviour.badPosition.read;
  if (given !== undefined && !log.isPosition(BigInt(given))) throw failure(why, details);
  const backwards = options.getReadDirection() === 1;
  if (at !== undefined) return backwards ? downTo(log.all, log.indexAt(at) - 1) : upTheLog(log, at);
  if (from?.hasEnd() === true) return backwards ? downTo(log.all, log.all.length - 1) : [];
  return backwards ? [] : upTheLog(log, 0);
}

function streamEvents(options: Options, log: EventLog): Iterable<Recorded> | undefined {
  const from = options.getStream();
  const stream = streamName(from?.getStreamIdentifier());
  if (log.isTombstoned(stream)) throw streamDeleted(stream);
  const backwards = options.getReadDirection() === 1;
  if (options.getCount() === '0' || (from?.hasEnd() === true && !backwards))
    throw failure(code.UNKNOWN, 'Unexpected ReadStreamResult: Error');
  const events = log.visible(stream);
  if (events === undefined) return undefined;
  const revision = from?.hasRevision() === true ? BigInt(from.getRevision()) : undefined;
  if (backwards) {
    const last = revision ?? (from?.hasEnd() === true ? events.at(-1)?.revision : 0n) ?? -1n;
    return downTo(events, events.length - 1, (event) => event.revision <= last);
  }
  return upTheStream(log, stream, revision ?? 0n);
}

// Reads go in pages, and the log grows meanwhile: a long read is not a snapshot.
function* upTheLog(log: EventLog, from: number): Generator<Recorded> {
  for (let next = from; ;) {
    const page = log.page(next, PAGE);
    yield* page;
    if (page.length === 0) return;
    next = (page.at(-1) as Recorded).position + 1;
  }
}

function* upTheStream(log: EventLog, stream: string, from: bigint): Generator<Recorded> {
  for (let next = from; ;) {
    const page = fromRevision(log.visible(stream) ?? [], next).slice(0, PAGE);
    yield* page;
    if (page.length === 0) return;
    next = (page.at(-1) as Recorded).revision + 1n;
  }
}

function* downTo(events: readonly Recorded[], index: number, wanted = (_: Recorded) => true): Generator<Recorded> {
  for (let i = index; i >= 0; i--) {
    const event = events[i] as Recorded;
    if (wanted(event)) yield event;
  }
}

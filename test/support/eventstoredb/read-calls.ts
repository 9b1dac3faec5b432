import type { handleServerStreamingCall } from '@grpc/grpc-js';
import type { Access, Release } from './access.js';
import type { EventLog } from './event-log.js';
import type { FaultBoard } from './faults.js';
import type { Recorded } from './log-file.js';
import { send, type ReadCall } from './read-call.js';
import { subscribe } from './subscriptions.js';
import { code, failure, readEvent, streamDeleted, streamName, streams, type ReadReq, type ReadResp } from './wire.js';

type Options = NonNullable<ReturnType<ReadReq['getOptions']>>;

/** Reads of a stream and of the log, and subscriptions to either. */
export function read(
  log: EventLog,
  access: Access,
  faults: FaultBoard,
  release: Release,
): handleServerStreamingCall<ReadReq, ReadResp> {
  return (call) => {
    const options = call.request.getOptions();
    if (options === undefined || options.getUuidOption() === undefined)
      return void call.emit('error', failure(code.INVALID_ARGUMENT, 'uuid_option is required'));
    const stream = options.hasAll() ? '$all' : streamName(options.getStream()?.getStreamIdentifier());
    const denial = () => access.denial(call.metadata, '$r', stream);
    const denied = denial();
    if (denied !== undefined) return void call.emit('error', denied);
    if (options.hasFilter() && !options.hasAll())
      return void call.emit('error', failure(code.INVALID_ARGUMENT, 'filters are for $all'));
    const kind = options.hasSubscription() ? 'subscriptions' : 'reads';
    faults.open[kind] += 1;
    const answered = options.hasSubscription()
      ? subscribe(call, options, { log, faults, release, denial })
      : answerRead(call, options, log);
    answered
      .then(
        () => call.end(),
        (error: unknown) => call.emit('error', error),
      )
      .finally(() => (faults.open[kind] -= 1));
  };
}

async function answerRead(call: ReadCall, options: Options, log: EventLog): Promise<void> {
  const events = options.hasAll() ? allEvents(options, log) : streamEvents(options, log);
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

function allEvents(options: Options, log: EventLog): Iterable<Recorded> {
  const from = options.getAll();
  const position = from?.getPosition();
  const at = position === undefined ? undefined : BigInt(position.getCommitPosition());
  if (at !== undefined && !log.isPosition(at)) throw failure(code.UNKNOWN, 'Unexpected ReadAllResult: InvalidPosition');
  const backwards = options.getReadDirection() === 1;
  if (at !== undefined) return backwards ? downTo(log.all, log.indexAt(at) - 1) : upFrom(log.all, log.indexAt(at));
  if (from?.hasEnd() === true) return backwards ? downTo(log.all, log.all.length - 1) : [];
  return backwards ? [] : upFrom(log.all, 0);
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
  return upFrom(events, 0, (event) => event.revision >= (revision ?? 0n));
}

// Reads the log as it grows: a long read is not a snapshot.
function* upFrom(events: readonly Recorded[], index: number, wanted = (_: Recorded) => true): Generator<Recorded> {
  for (let i = index; i < events.length; i++) {
    const event = events[i] as Recorded;
    if (wanted(event)) yield event;
  }
}

function* downTo(events: readonly Recorded[], index: number, wanted = (_: Recorded) => true): Generator<Recorded> {
  for (let i = index; i >= 0; i--) {
    const event = events[i] as Recorded;
    if (wanted(event)) yield event;
  }
}

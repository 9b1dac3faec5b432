import type {
  handleBidiStreamingCall,
  handleClientStreamingCall,
  ServerDuplexStream,
  ServiceError,
} from '@grpc/grpc-js';
import type {
  AppendReq,
  AppendResp,
  BatchAppendReq,
  BatchAppendResp,
} from '@eventstore/db-client/generated/streams_pb.js';
import type { Access } from './access.js';
import type { CallBook } from './call-book.js';
import type { EventLog, Expected, Outcome, Proposed } from './event-log.js';
import type { FaultBoard } from './faults.js';
import {
  appendBytes,
  code,
  empty,
  expectedOf,
  failure,
  inBandError,
  MAX_APPEND_SIZE,
  proposedEvent,
  shared,
  streamDeleted,
  streamIdentifier,
  streamName,
  streams,
  structuredUuid,
  uuidText,
} from './wire.js';

const ASSEMBLY_MS = 2_000;

type BatchCall = ServerDuplexStream<BatchAppendReq, BatchAppendResp>;

/** What appends need of the server they arrive at. */
interface Server {
  readonly log: EventLog;
  readonly access: Access;
  readonly faults: FaultBoard;
  readonly book: CallBook;
}

interface Assembly {
  readonly correlation: NonNullable<ReturnType<BatchAppendReq['getCorrelationId']>>;
  readonly stream: string;
  readonly expected: Expected;
  readonly events: Proposed[];
  readonly timer: NodeJS.Timeout;
  bytes: number;
}

/** The long call that carries the appends of one client, in chunks, each answered on its own. */
export function batchAppend(server: Server): handleBidiStreamingCall<BatchAppendReq, BatchAppendResp> {
  const { access, faults, book } = server;
  return (call) => {
    const assemblies = new Map<string, Assembly>();
    const forget = (id: string) => {
      clearTimeout(assemblies.get(id)?.timer);
      assemblies.delete(id);
    };
    faults.open.appends += 1;
    let open = true;
    const closed = () => {
      if (open) faults.open.appends -= 1;
      open = false;
      for (const id of [...assemblies.keys()]) forget(id);
    };
    call.on('cancelled', closed);
    call.on('error', closed);
    call.on('end', () => {
      closed();
      call.end();
    });
    call.on('data', (request: BatchAppendReq) => {
      const correlation = request.getCorrelationId();
      const id = uuidText(correlation);
      const options = request.getOptions();
      const messages = request.getProposedMessagesList();
      const stream = options === undefined ? undefined : streamName(options.getStreamIdentifier());
      book.chunk({ stream, messages: messages.length, isFinal: request.getIsFinal() });
      if (options !== undefined && stream !== undefined && correlation !== undefined && !assemblies.has(id)) {
        if (access.denial(call.metadata, '$w', stream) !== undefined)
          return answer(call, correlation, stream, accessDenied());
        if (stream === '') return answer(call, correlation, stream, badRequest('stream_identifier is required'));
        const left = (options.getDeadline()?.toDate().getTime() ?? Infinity) - Date.now();
        if (left <= 0) return answer(call, correlation, stream, timedOut());
        const timer = setTimeout(
          () => {
            forget(id);
            answer(call, structuredUuid(id), stream, timedOut());
          },
          Math.min(left, ASSEMBLY_MS),
        );
        const expected = expectedOf(options, options.getStreamPosition());
        assemblies.set(id, { correlation, stream, expected, timer, events: [], bytes: 0 });
      }
      const assembly = assemblies.get(id);
      if (assembly === undefined) return;
      for (const message of messages) {
        const event = proposedEvent(message);
        const problem = problemWith(event);
        // The write stays on the list, as in the real server, and is answered once more when its time is up.
        if (problem !== undefined) return answer(call, assembly.correlation, assembly.stream, badRequest(problem));
        assembly.events.push(event);
        assembly.bytes += appendBytes(event);
        if (assembly.bytes > MAX_APPEND_SIZE) {
          forget(id);
          return answer(call, assembly.correlation, assembly.stream, tooLarge());
        }
      }
      if (!request.getIsFinal()) return;
      forget(id);
      const { expected, events } = assembly;
      commit(
        server,
        { stream: assembly.stream, events, expected },
        {
          answer: (outcome) =>
            answer(call, assembly.correlation, assembly.stream, result(outcome, assembly.stream, expected)),
          notReady: () => answer(call, assembly.correlation, assembly.stream, notReady()),
          again: () => answer(call, assembly.correlation, assembly.stream, timedOut()),
          fail: (error) => void call.emit('error', error),
          end: () => void call.end(),
        },
      );
    });
  };
}

interface Append {
  readonly stream: string;
  readonly events: readonly Proposed[];
  readonly expected: Expected;
}

/** The ways in which an append can be answered, or not, by the call that carries it. */
interface Answers {
  answer(outcome: Outcome): void;
  notReady(): void;
  again(): void;
  fail(error: ServiceError): void;
  end(): void;
}

/** Stores one append and answers it, unless something is to go wrong. */
function commit({ log, faults }: Server, { stream, events, expected }: Append, answers: Answers): void {
  const fault = faults.next(stream);
  const store = () => log.append(stream, events, expected);
  if (fault !== undefined && 'stored' in fault && fault.stored) store();
  switch (fault?.kind) {
    case 'drop':
      return answers.fail(failure(code.UNAVAILABLE, 'the stand-in dropped the call'));
    case 'cut':
      return faults.cutConnections();
    case 'silence':
      return;
    case 'end':
      return answers.end();
    case 'delay':
      return void setTimeout(() => answers.answer(store()), fault.ms);
    case 'late': {
      const outcome = store();
      return void setTimeout(() => answers.answer(outcome), fault.ms);
    }
    case 'not ready':
      return answers.notReady();
    case 'twice':
      answers.answer(store());
      return answers.again();
    case undefined:
      return answers.answer(store());
  }
}

type Result = (response: BatchAppendResp) => void;

function answer(call: BatchCall, correlation: Assembly['correlation'], stream: string, fill: Result): void {
  if (call.cancelled || call.destroyed || call.writableEnded) return;
  const response = new streams.BatchAppendResp();
  response.setCorrelationId(correlation);
  response.setStreamIdentifier(streamIdentifier(stream));
  fill(response);
  call.write(response);
}

function result(outcome: Outcome, stream: string, expected: Expected): Result {
  return (response) => {
    switch (outcome.kind) {
      case 'deleted': {
        const details = new shared.StreamDeleted();
        details.setStreamIdentifier(streamIdentifier(stream));
        response.setError(inBandError(code.NOT_FOUND, 'StreamDeleted', 'event_store.client.StreamDeleted', details));
        return;
      }
      case 'wrong':
        response.setError(wrongVersion(outcome.current, expected));
        return;
      case 'nothing':
      case 'written':
      case 'repeated': {
        const success = new streams.BatchAppendResp.Success();
        if (outcome.kind === 'nothing') {
          if (outcome.current < 0n) success.setNoStream(new empty.Empty());
          else success.setCurrentRevision(String(outcome.current));
          success.setNoPosition(new empty.Empty());
        } else {
          success.setCurrentRevision(String(outcome.last.revision));
          if (outcome.kind === 'repeated' && outcome.hidden) success.setNoPosition(new empty.Empty());
          else success.setPosition(allPosition(outcome.last.position));
        }
        response.setSuccess(success);
      }
    }
  };
}

function allPosition(at: number): InstanceType<typeof shared.AllStreamPosition> {
  const position = new shared.AllStreamPosition();
  position.setCommitPosition(String(at));
  position.setPreparePosition(String(at));
  return position;
}

function wrongVersion(current: bigint, expected: Expected): ReturnType<typeof inBandError> {
  const details = new shared.WrongExpectedVersion();
  if (current < 0n) details.setCurrentNoStream(new empty.Empty());
  else details.setCurrentStreamRevision(String(current));
  if (expected === 'any') details.setExpectedAny(new empty.Empty());
  else if (expected === 'no_stream') details.setExpectedNoStream(new empty.Empty());
  else if (expected === 'stream_exists') details.setExpectedStreamExists(new empty.Empty());
  else details.setExpectedStreamPosition(String(expected));
  const type = 'event_store.client.WrongExpectedVersion';
  return inBandError(code.ALREADY_EXISTS, 'WrongExpectedVersion', type, details);
}

function problemWith(event: Proposed): string | undefined {
  if (event.type === '') return 'type is required';
  if (event.contentType === '') return 'content-type is required';
  if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(event.id)) return 'id is not a uuid';
  if (/^[0-]+$/.test(event.id)) return 'id is empty';
  return undefined;
}

function badRequest(message: string): Result {
  const details = new shared.BadRequest();
  details.setMessage(message);
  return (response) =>
    response.setError(inBandError(code.INVALID_ARGUMENT, 'BadRequest', 'event_store.client.BadRequest', details));
}

function accessDenied(): Result {
  const type = 'event_store.client.AccessDenied';
  return (response) =>
    response.setError(inBandError(code.PERMISSION_DENIED, 'AccessDenied', type, new shared.AccessDenied()));
}

function tooLarge(): Result {
  const details = new shared.MaximumAppendSizeExceeded();
  details.setMaxappendsize(MAX_APPEND_SIZE);
  const type = 'event_store.client.MaximumAppendSizeExceeded';
  return (response) =>
    response.setError(inBandError(code.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', type, details));
}

function timedOut(): Result {
  return (response) =>
    response.setError(
      inBandError(code.DEADLINE_EXCEEDED, 'Timeout', 'event_store.client.Timeout', new shared.Timeout()),
    );
}

function notReady(): Result {
  return (response) =>
    response.setError(inBandError(0, 'Server Is Not Ready', 'google.protobuf.Empty', new empty.Empty()));
}

/** The call that carries one append, used by clients that were not offered the other one. */
export function append(server: Server): handleClientStreamingCall<AppendReq, AppendResp> {
  return (call, callback) => {
    let options: ReturnType<AppendReq['getOptions']>;
    const events: Proposed[] = [];
    call.on('data', (request: AppendReq) => {
      options ??= request.getOptions();
      const message = request.getProposedMessage();
      if (message !== undefined) events.push(proposedEvent(message));
    });
    call.on('end', () => {
      if (options === undefined) return callback(failure(code.INVALID_ARGUMENT, 'options are required'));
      const stream = streamName(options.getStreamIdentifier());
      const denied = server.access.denial(call.metadata, '$w', stream);
      if (denied !== undefined) return callback(denied);
      const required = { 'required-metadata-properties': 'type,content-type' };
      if (events.some(({ type, contentType }) => type === '' || contentType === ''))
        return callback(
          failure(code.INVALID_ARGUMENT, 'Required Metadata Property is missing', {
            exception: 'missing-required-metadata-property',
            ...required,
          }),
        );
      if (events.reduce((sum, event) => sum + appendBytes(event), 0) > MAX_APPEND_SIZE)
        return callback(
          failure(code.INVALID_ARGUMENT, 'Maximum Append Size Exceeded.', {
            exception: 'maximum-append-size-exceeded',
            'maximum-append-size': String(MAX_APPEND_SIZE),
          }),
        );
      const expected = expectedOf(options, options.getRevision());
      commit(
        server,
        { stream, events, expected },
        {
          answer: (outcome) =>
            outcome.kind === 'deleted'
              ? callback(streamDeleted(stream))
              : callback(null, singleResult(outcome, expected)),
          notReady: () => callback(failure(code.UNAVAILABLE, 'Server Is Not Ready')),
          again: () => undefined,
          fail: callback,
          end: () => callback(failure(code.UNKNOWN, 'the stand-in has no answer')),
        },
      );
    });
  };
}

function singleResult(outcome: Exclude<Outcome, { kind: 'deleted' }>, expected: Expected): AppendResp {
  const response = new streams.AppendResp();
  if (outcome.kind === 'wrong') {
    const wrong = new streams.AppendResp.WrongExpectedVersion();
    if (outcome.current < 0n) wrong.setCurrentNoStream(new shared.Empty());
    else wrong.setCurrentRevision(String(outcome.current));
    if (expected === 'any') wrong.setExpectedAny(new shared.Empty());
    else if (expected === 'no_stream') wrong.setExpectedNoStream(new shared.Empty());
    else if (expected === 'stream_exists') wrong.setExpectedStreamExists(new shared.Empty());
    else wrong.setExpectedRevision(String(expected));
    response.setWrongExpectedVersion(wrong);
    return response;
  }
  const success = new streams.AppendResp.Success();
  if (outcome.kind === 'nothing') {
    if (outcome.current < 0n) success.setNoStream(new shared.Empty());
    else success.setCurrentRevision(String(outcome.current));
    success.setNoPosition(new shared.Empty());
  } else {
    const position = new streams.AppendResp.Position();
    position.setCommitPosition(String(outcome.last.position));
    position.setPreparePosition(String(outcome.last.position));
    success.setCurrentRevision(String(outcome.last.revision));
    if (outcome.kind === 'repeated' && outcome.hidden) success.setNoPosition(new shared.Empty());
    else success.setPosition(position);
  }
  response.setSuccess(success);
  return response;
}

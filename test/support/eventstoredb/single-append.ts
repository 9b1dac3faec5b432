import type { handleClientStreamingCall } from '@grpc/grpc-js';
import type { AppendReq, AppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { appendBytes, MAX_APPEND_SIZE } from './append-size.js';
import { commit, type AppendServer } from './commit.js';
import type { Expected, Outcome, Proposed } from './event-log.js';
import {
  code,
  expectedOf,
  failure,
  noExpected,
  proposedEvent,
  shared,
  streamDeleted,
  streamName,
  streams,
  type Sent,
} from './wire.js';

/** The call that carries one append, used by clients that were not offered the other one. */
export function append(server: AppendServer): handleClientStreamingCall<AppendReq, AppendResp> {
  const { access, behaviour } = server;
  return (call, callback) => {
    const caller = access.caller(call.metadata);
    let options: ReturnType<AppendReq['getOptions']>;
    const events: Sent[] = [];
    call.on('data', (request: AppendReq) => {
      options ??= request.getOptions();
      const message = request.getProposedMessage();
      if (message !== undefined) events.push(proposedEvent(message));
    });
    call.on('end', () => {
      if (options === undefined) return callback(failure(code.INVALID_ARGUMENT, 'options are required'));
      const stream = streamName(options.getStreamIdentifier());
      const denied = access.denial(caller, '$w', stream);
      if (denied !== undefined) return callback(denied);
      const expected = expectedOf(options, options.hasRevision() ? options.getRevision() : undefined);
      if (expected === undefined) return callback(noExpected());
      if (!events.every(isWhole)) return callback(propertyMissing());
      if (events.reduce((sum, event) => sum + appendBytes(event, behaviour), 0) > MAX_APPEND_SIZE)
        return callback(tooLarge());
      commit(
        server,
        { stream, events, expected, headers: call.metadata },
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

function isWhole(event: Sent): event is Proposed {
  return event.type !== '' && event.contentType !== undefined;
}

function propertyMissing(): ReturnType<typeof failure> {
  return failure(code.INVALID_ARGUMENT, 'Required Metadata Property is missing', {
    exception: 'missing-required-metadata-property',
    'required-metadata-properties': 'type,content-type',
  });
}

function tooLarge(): ReturnType<typeof failure> {
  return failure(code.INVALID_ARGUMENT, 'Maximum Append Size Exceeded.', {
    exception: 'maximum-append-size-exceeded',
    'maximum-append-size': String(MAX_APPEND_SIZE),
  });
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

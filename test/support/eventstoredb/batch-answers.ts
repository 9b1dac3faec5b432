import type { BatchAppendResp } from '@eventstore/db-client/generated/streams_pb.js';
import { MAX_APPEND_SIZE } from './append-size.js';
import type { Expected, Outcome } from './event-log.js';
import { code, empty, inBandError, shared, streamIdentifier, streams } from './wire.js';

/** Puts what became of an append into its answer on the batch call. */
export type Result = (response: BatchAppendResp) => void;

export function result(outcome: Outcome, stream: string, expected: Expected): Result {
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

export function badRequest(message: string): Result {
  const details = new shared.BadRequest();
  details.setMessage(message);
  return (response) =>
    response.setError(inBandError(code.INVALID_ARGUMENT, 'BadRequest', 'event_store.client.BadRequest', details));
}

export function accessDenied(): Result {
  const type = 'event_store.client.AccessDenied';
  return (response) =>
    response.setError(inBandError(code.PERMISSION_DENIED, 'AccessDenied', type, new shared.AccessDenied()));
}

export function tooLarge(): Result {
  const details = new shared.MaximumAppendSizeExceeded();
  details.setMaxappendsize(MAX_APPEND_SIZE);
  const type = 'event_store.client.MaximumAppendSizeExceeded';
  return (response) =>
    response.setError(inBandError(code.INVALID_ARGUMENT, 'MaximumAppendSizeExceeded', type, details));
}

export function timedOut(): Result {
  return (response) =>
    response.setError(
      inBandError(code.DEADLINE_EXCEEDED, 'Timeout', 'event_store.client.Timeout', new shared.Timeout()),
    );
}

export function notReady(): Result {
  return (response) =>
    response.setError(inBandError(0, 'Server Is Not Ready', 'google.protobuf.Empty', new empty.Empty()));
}

import type { handleUnaryCall } from '@grpc/grpc-js';
import type { DeleteReq, DeleteResp, TombstoneReq, TombstoneResp } from '@eventstore/db-client/generated/streams_pb.js';
import type { Access } from './access.js';
import type { EventLog, Expected, Outcome } from './event-log.js';
import { code, expectedOf, failure, noExpected, streamDeleted, streamName, streams } from './wire.js';

export function softDelete(log: EventLog, access: Access): handleUnaryCall<DeleteReq, DeleteResp> {
  return (call, callback) => {
    const options = call.request.getOptions() as NonNullable<ReturnType<DeleteReq['getOptions']>>;
    const stream = streamName(options.getStreamIdentifier());
    const denied = access.denial(access.caller(call.metadata), '$d', stream);
    if (denied !== undefined) return callback(denied);
    const expected = expectedOf(options, options.hasRevision() ? options.getRevision() : undefined);
    if (expected === undefined) return callback(noExpected());
    const outcome = log.softDelete(stream, expected);
    if (outcome.kind !== 'written') return callback(refusal(outcome, stream, expected));
    const position = new streams.DeleteResp.Position();
    position.setCommitPosition(String(outcome.last.position));
    position.setPreparePosition(String(outcome.last.position));
    const response = new streams.DeleteResp();
    response.setPosition(position);
    callback(null, response);
  };
}

export function tombstone(log: EventLog, access: Access): handleUnaryCall<TombstoneReq, TombstoneResp> {
  return (call, callback) => {
    const options = call.request.getOptions() as NonNullable<ReturnType<TombstoneReq['getOptions']>>;
    const stream = streamName(options.getStreamIdentifier());
    const denied = access.denial(access.caller(call.metadata), '$d', stream);
    if (denied !== undefined) return callback(denied);
    const expected = expectedOf(options, options.hasRevision() ? options.getRevision() : undefined);
    if (expected === undefined) return callback(noExpected());
    const outcome = log.tombstone(stream, expected);
    if (outcome.kind !== 'written') return callback(refusal(outcome, stream, expected));
    const position = new streams.TombstoneResp.Position();
    position.setCommitPosition(String(outcome.last.position));
    position.setPreparePosition(String(outcome.last.position));
    const response = new streams.TombstoneResp();
    response.setPosition(position);
    callback(null, response);
  };
}

function refusal(outcome: Outcome, stream: string, expected: Expected): ReturnType<typeof failure> {
  if (outcome.kind === 'deleted') return streamDeleted(stream);
  const numbers: Record<string, string> = { no_stream: '-1', any: '-2', stream_exists: '-4' };
  return failure(code.FAILED_PRECONDITION, `wrong expected version of '${stream}'`, {
    exception: 'wrong-expected-version',
    'stream-name': stream,
    'expected-version': numbers[String(expected)] ?? String(expected),
    'actual-version': 'current' in outcome ? String(outcome.current) : '-1',
  });
}

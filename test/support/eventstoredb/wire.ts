// The messages and services as the client package ships them. They are CommonJS without named exports.
import gossip from '@eventstore/db-client/generated/gossip_pb.js';
import gossipGrpc from '@eventstore/db-client/generated/gossip_grpc_pb.js';
import features from '@eventstore/db-client/generated/serverfeatures_pb.js';
import featuresGrpc from '@eventstore/db-client/generated/serverfeatures_grpc_pb.js';
import shared from '@eventstore/db-client/generated/shared_pb.js';
import status from '@eventstore/db-client/generated/status_pb.js';
import streams from '@eventstore/db-client/generated/streams_pb.js';
import streamsGrpc from '@eventstore/db-client/generated/streams_grpc_pb.js';
import { Metadata, status as code, type ServiceError } from '@grpc/grpc-js';
import any from 'google-protobuf/google/protobuf/any_pb.js';
import empty from 'google-protobuf/google/protobuf/empty_pb.js';
import type { Message } from 'google-protobuf';
import type { Expected, Proposed } from './event-log.js';
import type { Recorded } from './log-file.js';

export type { BatchAppendReq, BatchAppendResp, ReadReq, ReadResp } from '@eventstore/db-client/generated/streams_pb.js';
export type { StreamIdentifier, UUID } from '@eventstore/db-client/generated/shared_pb.js';
export { code, empty, features, gossip, shared, streams };
export const { StreamsService } = streamsGrpc;
export const { ServerFeaturesService } = featuresGrpc;
export const { GossipService } = gossipGrpc;

export type EmptyRequest = InstanceType<typeof shared.Empty>;

/** The position that stands for "the end". */
export const END_POSITION = '18446744073709551615';

/** A gRPC failure with the trailers that the client reads. */
export function failure(grpcCode: code, details: string, trailers: Record<string, string> = {}): ServiceError {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(trailers)) metadata.set(key, value);
  return Object.assign(new Error(details), { code: grpcCode, details, metadata });
}

export function streamDeleted(stream: string): ServiceError {
  const trailers = { exception: 'stream-deleted', 'stream-name': stream };
  return failure(code.FAILED_PRECONDITION, `Event stream '${stream}' is deleted.`, trailers);
}

/** A failure inside an answer of the batch call. */
export function inBandError(
  grpcCode: number,
  message: string,
  type: string,
  details: Message,
): InstanceType<typeof status.Status> {
  const packed = new any.Any();
  packed.pack(details.serializeBinary(), type);
  const error = new status.Status();
  error.setCode(grpcCode as 0);
  error.setMessage(message);
  error.setDetails(packed);
  return error;
}

export function streamIdentifier(stream: string): InstanceType<typeof shared.StreamIdentifier> {
  const identifier = new shared.StreamIdentifier();
  identifier.setStreamName(new Uint8Array(Buffer.from(stream)));
  return identifier;
}

export function streamName(identifier: InstanceType<typeof shared.StreamIdentifier> | undefined): string {
  return Buffer.from(identifier?.getStreamName_asU8() ?? []).toString('utf8');
}

/** A UUID in its string form, from either form it can arrive in. */
export function uuidText(uuid: InstanceType<typeof shared.UUID> | undefined): string {
  const structured = uuid?.getStructured();
  if (structured === undefined) return (uuid?.getString() ?? '').toLowerCase();
  const half = (bits: string) => BigInt.asUintN(64, BigInt(bits)).toString(16).padStart(16, '0');
  const hex = half(structured.getMostSignificantBits()) + half(structured.getLeastSignificantBits());
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** A UUID in the other of its forms, two halves of 64 bits. */
export function structuredUuid(text: string): InstanceType<typeof shared.UUID> {
  const hex = text.replaceAll('-', '');
  const half = (digits: string) => String(BigInt.asIntN(64, BigInt(`0x${digits}`)));
  const structured = new shared.UUID.Structured();
  structured.setMostSignificantBits(half(hex.slice(0, 16)));
  structured.setLeastSignificantBits(half(hex.slice(16)));
  const other = new shared.UUID();
  other.setStructured(structured);
  return other;
}

/** What all the option messages have in common when they say which revision they expect. */
export interface ExpectedOptions {
  hasNoStream(): boolean;
  hasAny(): boolean;
  hasStreamExists(): boolean;
}

/** Undefined where the options do not say what is expected. */
export function expectedOf(options: ExpectedOptions, exact: string | undefined): Expected | undefined {
  if (options.hasNoStream()) return 'no_stream';
  if (options.hasAny()) return 'any';
  if (options.hasStreamExists()) return 'stream_exists';
  return exact === undefined ? undefined : BigInt(exact);
}

export function noExpected(): ServiceError {
  return failure(code.INVALID_ARGUMENT, 'expected_stream_revision is required');
}

/** An event that a client sends, before it is known to be whole. */
export type Sent = Omit<Proposed, 'contentType'> & { readonly contentType: string | undefined };

/** What the two messages that propose an event have in common. */
interface ProposedMessage {
  getId(): InstanceType<typeof shared.UUID> | undefined;
  getMetadataMap(): { get(key: string): string | undefined };
  getData_asU8(): Uint8Array;
  getCustomMetadata_asU8(): Uint8Array;
}

/** An event as it was sent; what may be missing there is undefined here. */
export function proposedEvent(message: ProposedMessage): Sent {
  return {
    id: uuidText(message.getId()),
    type: message.getMetadataMap().get('type') ?? '',
    contentType: message.getMetadataMap().get('content-type'),
    data: Buffer.from(message.getData_asU8()),
    metadata: Buffer.from(message.getCustomMetadata_asU8()),
  };
}

export function readEvent(record: Recorded): InstanceType<typeof streams.ReadResp> {
  const recorded = new streams.ReadResp.ReadEvent.RecordedEvent();
  const id = new shared.UUID();
  id.setString(record.id);
  recorded.setId(id);
  recorded.setStreamIdentifier(streamIdentifier(record.stream));
  recorded.setStreamRevision(String(record.revision));
  recorded.setCommitPosition(String(record.position));
  recorded.setPreparePosition(String(record.position));
  recorded.getMetadataMap().set('type', record.type);
  recorded.getMetadataMap().set('created', String(record.created));
  recorded.getMetadataMap().set('content-type', record.contentType);
  recorded.setData(new Uint8Array(record.data));
  recorded.setCustomMetadata(new Uint8Array(record.metadata));
  const event = new streams.ReadResp.ReadEvent();
  event.setEvent(recorded);
  event.setCommitPosition(String(record.position));
  const response = new streams.ReadResp();
  response.setEvent(event);
  return response;
}

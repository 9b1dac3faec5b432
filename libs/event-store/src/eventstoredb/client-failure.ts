import {
  AppendTooLarge,
  OutcomeUnknown,
  StoreRefused,
  StoreUnavailable,
  StreamNotFound,
  WrongExpectedRevision,
} from '../errors.js';
import type { ExpectedRevision } from '../event-store.port.js';

/** gRPC status codes that are told apart here. */
const CANCELLED = 1;
const INVALID_ARGUMENT = 3;
const PERMISSION_DENIED = 7;
const UNAVAILABLE = 14;
const UNAUTHENTICATED = 16;

const OURS = [AppendTooLarge, OutcomeUnknown, StoreRefused, StoreUnavailable, StreamNotFound, WrongExpectedRevision];

/** The parts of the client's many errors that we look at. Its own classes carry `type`; bare gRPC errors only `code`. */
interface ClientError extends Error {
  readonly type?: string;
  readonly code?: number;
  readonly actualVersion?: bigint | 'no_stream';
  readonly maxAppendSize?: number;
}

/**
 * What the failure of an append means. Only what is certain to have written nothing is called anything but unknown.
 *
 * The server's answer to one append comes back without `code`. An error with a code ended the call that carries all
 * appends, and says nothing about any one of them, unless the server let the call not even begin.
 *
 * @param ownCall whether the call that broke was that of the client which was asked
 */
export function appendFailure(error: unknown, stream: string, expected: ExpectedRevision, ownCall: boolean): Error {
  const { type, code, message, ...details } = seen(error);
  const options = { cause: error };
  // Before its first append the client asks the server what it can do. Only that fails without a type: nothing was sent.
  if (type === undefined && (code !== undefined || message.startsWith('Failed to discover')))
    return beforeSending(message, code, options);
  if (code !== undefined) {
    if (code === UNAUTHENTICATED && ownCall) return notAccepted(options);
    if (type === 'access-denied' && ownCall) return new StoreRefused(`no right to append: ${message}`, options);
    return new OutcomeUnknown(`the append call broke: ${message}`, options);
  }
  switch (type) {
    case 'wrong-expected-version': {
      const actual = typeof details.actualVersion === 'bigint' ? Number(details.actualVersion) : -1;
      return new WrongExpectedRevision(stream, expected, actual);
    }
    case 'maximum-append-size-exceeded':
      return new AppendTooLarge(details.maxAppendSize ?? 0);
    case 'stream-deleted':
      return new StoreRefused(`stream ${stream} was deleted`, options);
    case 'access-denied':
      return new StoreRefused(`no right to append to ${stream}`, options);
    case 'unknown':
      if (/BadRequest|MaximumAppendEventSizeExceeded/.test(message)) return new StoreRefused(message, options);
      return new OutcomeUnknown(message || 'the store failed', options);
    default:
      return new OutcomeUnknown(message || type || 'the store failed', options);
  }
}

/** Whether the client keeps this failure for its whole life and would fail every later append with it, unasked. */
export function isKeptByClient(error: unknown): boolean {
  const { type, code } = seen(error);
  return type === undefined && code !== undefined && code !== CANCELLED && code !== UNAVAILABLE;
}

/** Whether a node refused because another one leads. The client turns to the leader by itself, for its next call. */
export function isNotLeader(error: unknown): boolean {
  return seen(error).type === 'not-leader';
}

/** What the failure of a read or a subscription means. */
export function readFailure(error: unknown, stream: string): Error {
  if (OURS.some((known) => error instanceof known)) return error as Error;
  const { type, code, message } = seen(error);
  const options = { cause: error };
  if (type === 'stream-not-found') return new StreamNotFound(stream);
  if (type === 'stream-deleted') return new StoreRefused(`stream ${stream} was deleted`, options);
  if (code === UNAUTHENTICATED) return notAccepted(options);
  if (type === 'access-denied' || code === PERMISSION_DENIED)
    return new StoreRefused(`no right to read ${stream}`, options);
  return new StoreUnavailable(message || type || 'the store failed', options);
}

/**
 * Whether a read of the log may have failed for its position. Releases say "InvalidPosition", "Error", or that the argument is
 * invalid; the second of any other failure too.
 */
export function isPositionRefused(failure: unknown): boolean {
  if (!(failure instanceof StoreUnavailable)) return false;
  const { code, message } = seen(failure.cause);
  return code === INVALID_ARGUMENT || message.includes('Unexpected ReadAllResult');
}

function beforeSending(message: string, code: number | undefined, options: ErrorOptions): Error {
  if (code === UNAUTHENTICATED) return notAccepted(options);
  if (code === PERMISSION_DENIED) return new StoreRefused(message, options);
  return new StoreUnavailable(message, options);
}

function notAccepted(options: ErrorOptions): StoreRefused {
  return new StoreRefused('the server does not accept the user or its password', options);
}

function seen(error: unknown): ClientError {
  if (!(error instanceof Error)) return new Error(String(error));
  return error;
}

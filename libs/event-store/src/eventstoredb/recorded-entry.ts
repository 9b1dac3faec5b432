import { jsonEvent, type EventData } from '@eventstore/db-client';
import { StoreRefused } from '../errors.js';
import type { JsonObject } from '../event-store.port.js';
import type { RawAppend, RawEvent } from '../raw-store.js';
import { textOfValue } from './value-text.js';

/** The parts of the client's recorded event that an entry is made of. */
export interface RecordedEvent {
  readonly streamId: string;
  readonly id: string;
  readonly revision: bigint;
  readonly type: string;
  /** What was parsed; the text or the bytes of what is no JSON. */
  readonly data: unknown;
  readonly metadata?: unknown;
  readonly position?: { readonly commit: bigint };
}

const text = new TextEncoder();
/** The revision of the mark that ends a stream which was deleted for good. */
const DELETED_FOR_GOOD = 9_223_372_036_854_775_807n;

/**
 * An entry as the client sends it. The metadata goes as the canonical bytes. The data goes through the client's own
 * JSON.stringify, which keeps the order of the canonical text except for members whose names are array indexes.
 */
export function clientEvent({ id, type, data, metadata }: RawAppend): EventData {
  return jsonEvent({ id, type, data: JSON.parse(data) as JsonObject, metadata: text.encode(metadata) });
}

/** Whether the event stands in a stream of the ledger, and is not the server's own mark of its end. */
export function isOfLedger(event: RecordedEvent | undefined, prefix: string): event is RecordedEvent {
  return event !== undefined && event.streamId.startsWith(prefix) && event.revision !== DELETED_FOR_GOOD;
}

/** An event with both bodies as text, whoever wrote it. */
export function rawEvent(event: RecordedEvent): RawEvent {
  const { streamId: stream, id, type, data, metadata } = event;
  const position = safePosition(event.position?.commit);
  const place = { id, type, stream, revision: Number(event.revision), position };
  const texts = { data: textOfValue(data), metadata: textOfValue(metadata) };
  return isObject(data) && isObject(metadata)
    ? { ...place, ...texts, parsed: { data, metadata } }
    : { ...place, ...texts };
}

/** @throws StoreRefused the server gave none, or one that a number cannot hold exactly */
export function safePosition(commit: bigint | undefined): number {
  const position = Number(commit);
  if (!Number.isSafeInteger(position)) throw new StoreRefused(`cannot work with log position ${commit}`);
  return position;
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array);
}

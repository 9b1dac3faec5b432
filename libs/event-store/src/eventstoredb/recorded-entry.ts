import { jsonEvent, type EventData } from '@eventstore/db-client';
import { StoreRefused } from '../errors.js';
import type { JsonObject, StoredEntry, WrittenEntry } from '../event-store.port.js';

/** The parts of the client's recorded event that an entry is made of. */
export interface RecordedEvent {
  readonly streamId: string;
  readonly id: string;
  readonly revision: bigint;
  readonly type: string;
  readonly data: unknown;
  readonly metadata?: unknown;
  readonly position?: { readonly commit: bigint };
}

const text = new TextEncoder();

/**
 * An entry as the client sends it. The metadata goes as the canonical bytes. The data goes through the client's own
 * JSON.stringify, which keeps the order of the canonical text except for members whose names are array indexes.
 */
export function clientEvent({ id, type, data, metadata }: WrittenEntry): EventData {
  return jsonEvent({ id, type, data: JSON.parse(data) as JsonObject, metadata: text.encode(metadata) });
}

/** Whether the event is an entry of the ledger and not the server's own mark in one of its streams. */
export function isEntry(event: RecordedEvent | undefined, prefix: string): event is RecordedEvent {
  return event !== undefined && event.streamId.startsWith(prefix) && !event.type.startsWith('$');
}

/** @throws StoreRefused the event was not written by us: its bodies are not JSON objects */
export function storedEntry(event: RecordedEvent): StoredEntry {
  const { streamId: stream, id, type, data, metadata } = event;
  if (!isObject(data) || !isObject(metadata))
    throw new StoreRefused(`${stream}@${event.revision} is not an entry: its bodies are not JSON objects`);
  const position = safePosition(event.position?.commit);
  return { id, type, data, metadata, stream, revision: Number(event.revision), position };
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

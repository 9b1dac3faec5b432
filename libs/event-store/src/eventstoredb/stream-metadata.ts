import { BACKWARDS, END, StreamNotFoundError, type EventStoreDBClient } from '@eventstore/db-client';
import type { RecordedEvent } from './recorded-entry.js';

export type Json = Record<string, unknown>;

/** The stream that a stream's metadata are in. */
export function metadataOf(stream: string): string {
  return `$$${stream}`;
}

/** The last event of a stream as the object that it holds, and its revision; an empty one where there is none. @throws what a read fails with */
export async function lastJson(
  client: EventStoreDBClient,
  stream: string,
): Promise<{ value: Json; revision?: bigint }> {
  try {
    const event = await lastEvent(client, stream);
    return event === undefined ? { value: {} } : { value: objectOf(event.data), revision: event.revision };
  } catch (error) {
    if (error instanceof StreamNotFoundError) return { value: {} };
    throw error;
  }
}

/** @throws what a read fails with */
export async function lastEvent(client: EventStoreDBClient, stream: string): Promise<RecordedEvent | undefined> {
  const options = { fromRevision: END, direction: BACKWARDS, maxCount: 1, requiresLeader: true } as const;
  let last: RecordedEvent | undefined;
  for await (const { event } of client.readStream(stream, options)) last = event;
  return last;
}

export function objectOf(value: unknown): Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Json) : {};
}

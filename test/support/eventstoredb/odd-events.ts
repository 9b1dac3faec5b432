import { ANY, binaryEvent, EventStoreDBClient, jsonEvent, type EventData } from '@eventstore/db-client';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
/** Deeper than calls can follow. */
const deep = bytes('[1,'.repeat(50_000) + '{}' + ']'.repeat(50_000));

/** Puts events into a stream that no entry could be, as any client may; returns how many. */
export async function writeOddEvents(connectionString: string, stream: string): Promise<number> {
  const events: EventData[] = [
    binaryEvent({ type: 'picture', data: Uint8Array.of(0, 255, 123, 125) }),
    binaryEvent({ type: 'text', data: bytes('{"a":1}'), metadata: bytes('no JSON') }),
    binaryEvent({ type: 'empty', data: Uint8Array.of() }),
    jsonEvent({ type: 'no-metadata', data: { subjectId: 'a' } }),
    jsonEvent({ type: 'numbers', data: { id: 17 }, metadata: { id: 17, '~': { by: 1, mac: [], sealed: null } } }),
    jsonEvent({ type: 'a list', data: [1, { z: 1, a: 2 }] as never, metadata: bytes('[]') }),
    jsonEvent({ type: 'text', data: 'text' as never, metadata: bytes('null') }),
    jsonEvent({ type: 'null', data: null as never }),
    jsonEvent({ type: '$>', data: `0@${stream}` as never }),
    jsonEvent({ type: '$odd', data: { '~': {} }, metadata: deep }),
    jsonEvent({ type: 'surrogate', data: { a: '\ud800' }, metadata: bytes('{"a":1e999,"~":{"by":"a1","mac":""}}') }),
  ];
  const client = EventStoreDBClient.connectionString(connectionString);
  try {
    await client.appendToStream(stream, events, { expectedRevision: ANY });
  } finally {
    await client.dispose();
  }
  return events.length;
}

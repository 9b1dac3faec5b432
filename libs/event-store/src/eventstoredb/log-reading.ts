import { setTimeout as pause } from 'node:timers/promises';
import { END, START, type EventStoreDBClient } from '@eventstore/db-client';
import { EntriesHidden, PositionNotFound, StoreUnavailable, StreamNotFound } from '../errors.js';
import type { ReadAllOptions } from '../event-store.port.js';
import type { RawEvent } from '../raw-store.js';
import { isNotLeader, isPositionRefused, readFailure } from './client-failure.js';
import { isOfLedger, rawEvent, type RecordedEvent } from './recorded-entry.js';

/** The client puts no limit on a read; a server that says nothing for this long is taken for gone. */
const SILENCE_MS = 30_000;
/** What the client needs to let go of a node and turn to the leader that it was told of. */
const TURN_TO_LEADER_MS = 50;

/** What is used of the client's read streams. */
interface Reading extends AsyncIterable<{ event?: RecordedEvent | undefined }> {
  cancel(): Promise<void>;
  destroy(error: Error): unknown;
  on(event: 'error', listener: () => void): unknown;
}

/**
 * Reads one stream's events; see the port. `from` and `limit` as there. To the server a stream that was deleted for now is one that is
 * not there.
 *
 * @throws EntriesHidden it was deleted
 */
export async function* eventsOfStream(
  client: EventStoreDBClient,
  stream: string,
  options: { from?: number; direction?: 'forwards' | 'backwards'; limit?: number },
): AsyncGenerator<RawEvent> {
  const { from, direction = 'forwards', limit = Number.MAX_SAFE_INTEGER } = options;
  if (limit < 1) return;
  const fromRevision = from === undefined ? (direction === 'forwards' ? START : END) : BigInt(from);
  // A follower may be behind: whoever settles an unknown outcome by reading the lane's end needs the leader's answer.
  const read = () => client.readStream(stream, { fromRevision, direction, maxCount: limit, requiresLeader: true });
  try {
    for await (const event of events(read, stream)) yield rawEvent(event);
  } catch (error) {
    if (error instanceof StreamNotFound && (await isSoftDeleted(client, stream)))
      throw new EntriesHidden(stream, 0, null, { cause: error });
    throw error;
  }
}

/** @throws StoreRefused the stream's metadata may not be read: what is hidden could not be told from what never was */
async function isSoftDeleted(client: EventStoreDBClient, stream: string): Promise<boolean> {
  const metadata = `$$${stream}`;
  const read = () =>
    client.readStream(metadata, { fromRevision: END, direction: 'backwards', maxCount: 1, requiresLeader: true });
  try {
    for await (const { data } of events(read, metadata)) {
      const truncateBefore = (data as { $tb?: unknown } | null)?.$tb;
      // The mark of a deletion is the last revision that there can be, which a number holds only nearly.
      return typeof truncateBefore === 'number' && truncateBefore > Number.MAX_SAFE_INTEGER;
    }
  } catch (error) {
    if (!(error instanceof StreamNotFound)) throw error;
  }
  return false;
}

/** Reads all events of the ledger's streams, in batches, up to the end as it is met. Options as in the port. */
export async function* eventsOfLog(
  client: EventStoreDBClient,
  prefix: string,
  { after = 0, from, batchSize }: ReadAllOptions & { readonly batchSize: number },
): AsyncGenerator<RawEvent[]> {
  const fromPosition = logPosition(from ?? after);
  await assertPosition(client, prefix, from ?? after);
  const read = () => client.readAll({ fromPosition, requiresLeader: true }, { highWaterMark: batchSize });
  let batch: RawEvent[] = [];
  for await (const event of events(read, '$all')) {
    // The log is read from the position on, that one included, and with everybody's events.
    if (!isOfLedger(event, prefix)) continue;
    const raw = rawEvent(event);
    if (from === undefined ? raw.position <= after : raw.position < from) continue;
    batch.push(raw);
    if (batch.length < batchSize) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

/**
 * Refuses a position at which no event of the ledger stands; 0 is the beginning. A server may take such a position without a word,
 * as one behind its end, or refuse it with what it says of any failure.
 *
 * @throws PositionNotFound | StoreUnavailable
 */
export async function assertPosition(client: EventStoreDBClient, prefix: string, position: number): Promise<void> {
  if (position === 0) return;
  try {
    const event = await firstAt(client, logPosition(position));
    if (isOfLedger(event, prefix) && event.position?.commit === BigInt(position)) return;
  } catch (error) {
    if (!isPositionRefused(error)) throw error;
    // Where the log can be read at all, it is the position that was refused.
    await firstAt(client, START);
    throw new PositionNotFound(position, { cause: error });
  }
  throw new PositionNotFound(position);
}

async function firstAt(
  client: EventStoreDBClient,
  fromPosition: ReturnType<typeof logPosition>,
): Promise<RecordedEvent | undefined> {
  const read = () => client.readAll({ fromPosition, maxCount: 1, requiresLeader: true });
  for await (const event of events(read, '$all')) return event;
  return undefined;
}

/** The position of the log's last event, whoever's; -1 where there is none. @throws StoreUnavailable */
export async function endOfLog(client: EventStoreDBClient): Promise<bigint> {
  const read = () => client.readAll({ fromPosition: END, direction: 'backwards', maxCount: 1, requiresLeader: true });
  for await (const { position } of events(read, '$all')) return position?.commit ?? -1n;
  return -1n;
}

/** A position of ours as the client takes it; the two halves are equal for everything written over gRPC. */
export function logPosition(position: number): typeof START | { commit: bigint; prepare: bigint } {
  return position === 0 ? START : { commit: BigInt(position), prepare: BigInt(position) };
}

/** The events of one read. A node that does not lead says so before anything else; then its leader is asked. */
export async function* events(read: () => Reading, stream: string): AsyncGenerator<RecordedEvent> {
  for (let asked = 1; ; asked += 1) {
    try {
      return yield* answerOf(read(), stream);
    } catch (error) {
      if (asked > 1 || !isNotLeader(error)) throw readFailure(error, stream);
      await pause(TURN_TO_LEADER_MS);
    }
  }
}

async function* answerOf(reading: Reading, stream: string): AsyncGenerator<RecordedEvent> {
  const giveUp = () => reading.destroy(new StoreUnavailable(`no answer for ${SILENCE_MS} ms reading ${stream}`));
  let silence = setTimeout(giveUp, SILENCE_MS);
  try {
    for await (const resolved of reading) {
      // The consumer's own time is not the server's silence.
      clearTimeout(silence);
      if (resolved.event !== undefined) yield resolved.event;
      silence = setTimeout(giveUp, SILENCE_MS);
    }
  } finally {
    clearTimeout(silence);
    // Leaving the loop destroys the client's stream and forgets the call under it, which would stay open on the server.
    reading.on('error', () => undefined);
    await reading.cancel().catch(() => undefined);
  }
}

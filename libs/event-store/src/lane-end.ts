import { EntriesHidden, StreamNotFound, WrongExpectedRevision } from './errors.js';
import type {
  AppendResult,
  EventStore,
  ExpectedRevision,
  NewEntry,
  StoredEntry,
  WrittenEntry,
} from './event-store.port.js';

/** Where a lane ends. */
export interface LaneEnd {
  /** Of its last event, whoever wrote it; -1 when there is none. */
  readonly revision: number;
  /** Its last entry of ours; null when there is none. */
  readonly entry: StoredEntry | null;
}

/**
 * Where a lane ends. Foreign events are counted, and passed over.
 *
 * @throws EntriesHidden    a lane whose entries are hidden is not an empty one
 * @throws StoreUnavailable
 */
export async function laneEnd(store: EventStore, lane: string): Promise<LaneEnd> {
  let revision = -1;
  try {
    for await (const entry of store.readStream(lane, { direction: 'backwards' })) {
      revision = Math.max(revision, entry.revision);
      if (!entry.foreign) return { revision, entry };
    }
  } catch (error) {
    if (!(error instanceof StreamNotFound)) throw error;
  }
  return { revision, entry: null };
}

/** The revision to append behind another. */
export function behind(revision: number): ExpectedRevision {
  return revision === -1 ? 'no_stream' : revision;
}

/**
 * Where a lane ends, when nothing but foreign events came to stand behind a revision; null when one of them is ours.
 *
 * @param last that there is, as the store said when it refused an append
 * @throws EntriesHidden    they are there, and cannot be read
 * @throws StoreUnavailable
 */
export async function endBehindForeign(
  store: EventStore,
  lane: string,
  revision: number,
  last: number,
): Promise<number | null> {
  let end = revision;
  for await (const entry of store.readStream(lane, { from: revision + 1 })) {
    if (!entry.foreign) return null;
    end = entry.revision;
  }
  if (end < last) throw new EntriesHidden(lane, end + 1, last);
  return end;
}

/**
 * Appends behind the end that was looked at: nobody of ours may have written since, and whoever else has is passed over.
 *
 * @throws WrongExpectedRevision somebody of ours has; and whatever else the store's append throws
 */
export async function appendBehind(
  store: EventStore,
  lane: string,
  end: Pick<LaneEnd, 'revision'>,
  entries: readonly (NewEntry | WrittenEntry)[],
): Promise<AppendResult> {
  for (let { revision } = end; ;) {
    try {
      return await store.append(lane, entries, behind(revision));
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision)) throw error;
      const next = error.actual > revision ? await endBehindForeign(store, lane, revision, error.actual) : null;
      if (next === null) throw error;
      revision = next;
    }
  }
}

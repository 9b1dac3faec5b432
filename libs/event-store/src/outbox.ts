import { MAX_APPEND_BYTES, writeEntry } from './append-limits.js';
import { OutcomeUnknown, WrongExpectedRevision } from './errors.js';
import type { EventStore, NewEntry, WrittenEntry } from './event-store.port.js';
import { appendBehind, laneEnd, type LaneEnd } from './lane-end.js';

/** What a database has decided and is to be an entry. */
export interface OutboxRow {
  /** Counted from 1 in the order of the commits: what is committed later has a higher one. */
  readonly number: number;
  readonly entry: NewEntry;
}

/** Entries that stand in a database from the transaction that decided them, for good: a store that loses its end is told again. */
export interface OutboxSource {
  /** The rows behind a number, in order. */
  pending(after: number, limit: number): Promise<readonly OutboxRow[]>;
  /**
   * They stand in their lane up to a number. Told again after a crash, and by two who drain at once. It throws where it has never given
   * out that number.
   */
  done(upTo: number): Promise<void>;
}

const ROWS = 200;

/**
 * Appends what waits in an outbox to its lane, each row exactly once and in order, whoever else drains it: the number of a row is in
 * its entry, and the last entry of the lane says what is there. Nothing else may write to that lane.
 *
 * A crash between the append and `done` leaves rows that are in the lane; whoever drains next passes over them. An append whose
 * outcome is not known is settled by looking at the lane again.
 *
 * @returns how many were appended
 * @throws StoreUnavailable | StoreRefused, and what the source throws
 */
export async function drainOutbox(store: EventStore, lane: string, source: OutboxSource): Promise<number> {
  for (let appended = 0; ;) {
    const end = await laneEnd(store, lane);
    const reached = numberAt(end, lane);
    if (reached > 0) await source.done(reached);
    const rows = fitting(await source.pending(reached, ROWS));
    if (rows.length === 0) return appended;
    try {
      await appendBehind(store, lane, end, rows);
      appended += rows.length;
    } catch (error) {
      if (!(error instanceof WrongExpectedRevision) && !(error instanceof OutcomeUnknown)) throw error;
    }
  }
}

/** The number of the last row of an outbox that stands in its lane; 0 before the first. @throws StoreUnavailable | StoreRefused */
export async function drainedTo(store: EventStore, lane: string): Promise<number> {
  return numberAt(await laneEnd(store, lane), lane);
}

/** The first rows that one append takes, or the first alone. */
function fitting(rows: readonly OutboxRow[]): WrittenEntry[] {
  const entries: WrittenEntry[] = [];
  let bytes = 0;
  for (const { number, entry } of rows) {
    const written = writeEntry({ ...entry, metadata: { ...entry.metadata, outbox: number } });
    bytes += written.bytes;
    if (entries.length > 0 && bytes > MAX_APPEND_BYTES) break;
    entries.push(written);
  }
  return entries;
}

function numberAt({ entry }: LaneEnd, lane: string): number {
  const number = entry === null ? 0 : entry.metadata['outbox'];
  if (Number.isSafeInteger(number)) return number as number;
  throw new TypeError(`the last entry of ${lane} comes from no outbox`);
}

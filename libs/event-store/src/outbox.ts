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

/** Entries that wait in a database, in the transaction that decided them. */
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
    const reached = await confirm(end, lane, source);
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

/**
 * Tells an outbox what of it stands in its lane, and brings nothing in.
 *
 * @throws what the source throws where the lane has come further than it
 */
export async function confirmOutbox(store: EventStore, lane: string, source: OutboxSource): Promise<void> {
  await confirm(await laneEnd(store, lane), lane, source);
}

async function confirm({ entry }: LaneEnd, lane: string, source: OutboxSource): Promise<number> {
  const reached = entry === null ? 0 : numberOf(entry.metadata['outbox'], lane);
  if (reached > 0) await source.done(reached);
  return reached;
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

function numberOf(outbox: unknown, lane: string): number {
  if (Number.isSafeInteger(outbox)) return outbox as number;
  throw new TypeError(`the last entry of ${lane} comes from no outbox`);
}

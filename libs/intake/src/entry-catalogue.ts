/**
 * The identity of an event: its tag has producer, source and id in it, under the key of the quarter of a year in which it happened. The
 * same pair twice is one event.
 */
export interface EventKey {
  readonly generation: string;
  readonly tag: string;
}

/** What the intake asks of the read models. The answers may be a little behind the store; `position` says how far they are. */
export interface EntryCatalogue {
  position(): Promise<number>;
  /** Which of the events are known, in the order of the question. */
  known(keys: readonly EventKey[]): Promise<boolean[]>;
  /** Where an entry stands, or null. */
  locate(entryId: string): Promise<{ lane: string; revision: number } | null>;
  /** The first entry that a quarantine entry was replayed as, or null. */
  replayOf(entryId: string): Promise<string | null>;
}

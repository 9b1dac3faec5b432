/** The identity of an event: the same pair twice is one event. */
export interface EventKey {
  readonly source: string;
  readonly eventId: string;
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

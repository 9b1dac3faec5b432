/** A JSON object whose numbers stay inside I-JSON (RFC 7493). */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** One entry on its way into a stream. `id` is a UUID (v7) made at intake; `data` and `metadata` are stored as canonical JSON. */
export interface NewEntry {
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
}

/**
 * An entry with its bodies already written as canonical JSON, see `writeEntry`: measured and serialized once, wherever it waits
 * afterwards.
 */
export interface WrittenEntry {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
  /** What it counts for in an append. */
  readonly bytes: number;
}

/** An entry as the store gives it back. */
export interface StoredEntry extends NewEntry {
  readonly stream: string;
  /** Its place in its stream, from 0, without gaps. */
  readonly revision: number;
  /** Its place in the order of all streams: strictly increasing, from 1, gaps allowed. A safe integer. */
  readonly position: number;
}

/** An entry as its text: both bodies as canonical JSON (RFC 8785), byte for byte what is hashed. */
export interface EntryText extends Omit<StoredEntry, 'data' | 'metadata'> {
  readonly data: string;
  readonly metadata: string;
}

/**
 * Leaves of the log of all entries, as they are hashed: each is a byte 0x00 and the text of `leafText` in UTF-8, one behind the
 * other. RFC 9162, section 2.1.1.
 */
export interface LeafBytes {
  readonly bytes: Uint8Array;
  /** How many bytes each leaf has, that before its text among them. */
  readonly lengths: readonly number[];
  /** The position of each leaf's entry. */
  readonly positions: readonly number[];
}

/** The revision of the stream's last entry as the writer knows it; `no_stream` when the stream must not exist yet. */
export type ExpectedRevision = number | 'no_stream' | 'any';

/** Where the last entry of an append came to stand. */
export interface AppendResult {
  readonly revision: number;
  readonly position: number;
}

/** The store's name where parts are wired together. */
export const EVENT_STORE = Symbol('EventStore');

/**
 * The only truth: named append-only streams and one order over all of them.
 *
 * Drawn from two real stores (embedded SQLite and EventStoreDB) and no wider than both can keep.
 * Streams of the ledger begin with `ledger-`; `readAll` and `subscribeToAll` show those only.
 */
export interface EventStore {
  /** Which adapter this is, for health answers and logs. */
  readonly kind: 'embedded' | 'eventstoredb';

  /**
   * Appends all entries or none, and returns once they are durable.
   *
   * With an exact revision or `no_stream` a repeat of the same ids at the same place is answered as the first time and
   * writes nothing; only ids are compared. With `any` a repeat may be stored twice.
   *
   * @throws WrongExpectedRevision the stream's end is elsewhere and the entries there are not these
   * @throws AppendTooLarge        the batch is over what the store takes at once; nothing was written, split it
   * @throws OutcomeUnknown        the store did not answer in time or the connection broke: it may or may not be stored
   * @throws StoreUnavailable      nothing was sent, or the store refused for now; nothing was written
   * @throws StoreFull             one of those: its disk is full
   * @throws StoreRefused          the store will not take this (rights, deleted stream); nothing was written
   */
  append(
    stream: string,
    entries: readonly (NewEntry | WrittenEntry)[],
    expected: ExpectedRevision,
  ): Promise<AppendResult>;

  /**
   * Reads one stream. `from` is inclusive and defaults to the start (forwards) or the end (backwards).
   *
   * @throws StreamNotFound   it was never written: "nothing there" and "could not read" never look alike
   * @throws StoreUnavailable the store could not be read
   */
  readStream(
    stream: string,
    options?: { from?: number; direction?: 'forwards' | 'backwards'; limit?: number },
  ): AsyncIterable<StoredEntry>;

  /**
   * Reads all ledger streams in commit order, strictly after a position (0: from the first), in batches as the store
   * pages them, up to the end as it is met.
   */
  readAll(options?: { after?: number; batchSize?: number }): AsyncIterable<StoredEntry[]>;

  /** The same, as text: nothing is parsed that the reader does not parse. */
  readTexts(options?: { after?: number; batchSize?: number }): AsyncIterable<EntryText[]>;

  /** The same, as leaves: for whoever needs nothing but their hashes. */
  readLeaves(options?: { after?: number; batchSize?: number }): AsyncIterable<LeafBytes>;

  /** The position of the last ledger entry, 0 when there is none. */
  head(): Promise<number>;

  /**
   * Follows all ledger streams in commit order, strictly after a position: first what is there, then what comes, in
   * non-empty batches, each entry once and in order. It outlives a broken connection by subscribing again after the last
   * entry it gave, and ends when `signal` is aborted or the store is closed.
   */
  subscribeToAll(options: { after: number; batchSize?: number; signal: AbortSignal }): AsyncIterable<StoredEntry[]>;

  /** The same, as text. */
  followTexts(options: { after: number; batchSize?: number; signal: AbortSignal }): AsyncIterable<EntryText[]>;

  /** Waits for what is under way and lets go of files and connections. */
  close(): Promise<void>;
}

/** A JSON object whose numbers stay inside I-JSON (RFC 7493). */
export type JsonValue = string | number | boolean | null | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/**
 * One entry on its way into a stream. `id` is a UUID (v7) made at intake. `metadata` is the entry's head: what is hashed and
 * authenticated of its metadata. Both bodies are stored as canonical JSON.
 */
export interface NewEntry {
  readonly id: string;
  readonly type: string;
  readonly data: JsonObject;
  readonly metadata: JsonObject;
  /** What is sealed, by part: a JWE in compact form each. It is stored beside the head, and `data.sealed` has the hash of each. */
  readonly sealed?: Readonly<Record<string, string>>;
}

/**
 * An entry with its bodies already written as canonical JSON, see `writeEntry`: measured and serialized once, wherever it waits
 * afterwards. Its authenticator is made when it is appended, for it covers the place where the entry comes to stand.
 */
export interface WrittenEntry {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  /** The head. */
  readonly metadata: string;
  /** The sealed parts as canonical JSON; empty when there are none. */
  readonly sealed: string;
  /** What it counts for in an append, its authenticator included. */
  readonly bytes: number;
}

/** Where an event stands in the store. */
export interface Place {
  readonly stream: string;
  /** Its place in its stream, from 0, without gaps. */
  readonly revision: number;
  /** Its place in the order of all streams: strictly increasing, from 1, gaps allowed. A safe integer. */
  readonly position: number;
}

/**
 * An entry as the store gives it back. One that is `foreign` was not written by this ledger, or not to this place: it is a leaf of the
 * log and nothing else, and its bodies are empty here.
 */
export interface StoredEntry extends NewEntry, Place {
  readonly sealed: Readonly<Record<string, string>>;
  readonly foreign: boolean;
  /** Of a foreign one: its digest, see `foreignDigest`. */
  readonly sha256?: string;
  /** Of a foreign one: the key that it names, and that the ledger does not have. */
  readonly unknownKey?: string;
}

/** An entry as its text: data and head as canonical JSON (RFC 8785), byte for byte what is hashed. `{}` of a foreign one. */
export interface EntryText extends Omit<WrittenEntry, 'bytes'>, Place {
  readonly foreign: boolean;
  readonly sha256?: string;
  readonly unknownKey?: string;
  /** The hash of its leaf in hex, where it was needed to authenticate the entry. */
  readonly leafHash?: string;
}

/** The revision of the stream's last entry as the writer knows it; `no_stream` when the stream must not exist yet. */
export type ExpectedRevision = number | 'no_stream' | 'any';

/** Where the last entry of an append came to stand. */
export interface AppendResult {
  readonly revision: number;
  readonly position: number;
  /** The hashes of the entries' leaves in hex, in their order, where they were needed to authenticate them. */
  readonly leafHashes?: readonly string[];
}

/**
 * Where reading all streams begins. Positions are places that the store gave out, not numbers to count with: an entry has to stand
 * there, also where reading begins behind it.
 */
export interface ReadAllOptions {
  /** Strictly after this position; 0, or nothing said: from the first. */
  readonly after?: number;
  /** At the event that stands at this position, that one included; instead of `after`. */
  readonly from?: number;
  /** So many at once: 500. */
  readonly batchSize?: number;
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
   * writes nothing; only ids are compared. With `any` a repeat may be stored twice; a store with an authenticator takes none,
   * for it has to know the place.
   *
   * @throws WrongExpectedRevision the stream's end is elsewhere and the entries there are not these
   * @throws AppendTooLarge        the batch is over what the store takes at once; nothing was written, split it
   * @throws OutcomeUnknown        the store did not answer in time or the connection broke: it may or may not be stored
   * @throws StoreUnavailable      nothing was sent, or the store refused for now; nothing was written
   * @throws StoreFull             one of those: its disk is full
   * @throws StoreRefused          the store will not take this (rights, deleted stream); nothing was written
   * @throws EntriesHidden         one of those: they are a repeat of what cannot be read any more, or the stream that was to begin
   *                               has entries that cannot; what it may have written then stands at a place where it is foreign
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
   * @throws EntriesHidden    all of it was hidden
   * @throws LaneGap          it begins behind where it was asked for, or revisions are missing in it
   * @throws StoreUnavailable the store could not be read; one that answers nothing for 30 s is taken for gone
   */
  readStream(
    stream: string,
    options?: { from?: number; direction?: 'forwards' | 'backwards'; limit?: number },
  ): AsyncIterable<StoredEntry>;

  /**
   * Reads all ledger streams in commit order, in batches as the store pages them, up to the end as it is met.
   *
   * @throws PositionNotFound no entry stands where reading is to begin
   * @throws StoreUnavailable the store could not be read; one that answers nothing for 30 s is taken for gone
   */
  readAll(options?: ReadAllOptions): AsyncIterable<StoredEntry[]>;

  /** The same, as text: nothing is parsed that the reader does not parse. */
  readTexts(options?: ReadAllOptions): AsyncIterable<EntryText[]>;

  /** The position of the last ledger entry, 0 when there is none. */
  head(): Promise<number>;

  /**
   * Follows all ledger streams in commit order, strictly after a position: first what is there, then what comes, in
   * non-empty batches, each entry once and in order. It outlives a broken connection by subscribing again after the last
   * entry it gave, and ends when `signal` is aborted or the store is closed.
   *
   * @throws PositionNotFound no entry stands at `after`; looked at whenever it subscribes
   * @throws StoreRefused     no right to read
   */
  subscribeToAll(options: { after: number; batchSize?: number; signal: AbortSignal }): AsyncIterable<StoredEntry[]>;

  /** The same, as text. */
  followTexts(options: { after: number; batchSize?: number; signal: AbortSignal }): AsyncIterable<EntryText[]>;

  /** Waits for what is under way and lets go of files and connections. */
  close(): Promise<void>;
}

import type { AppendResult, EventStore, ExpectedRevision, Place, ReadAllOptions } from './event-store.port.js';

/** An event on its way into a store, both bodies as they are to be stored. */
export interface RawAppend {
  readonly id: string;
  readonly type: string;
  readonly data: string;
  readonly metadata: string;
}

/**
 * An event as a store holds it, whoever wrote it. What is no JSON has a text too, always the same one, so that there is a digest of it.
 */
export interface RawEvent extends RawAppend, Place {
  /** Both bodies, where the store's client has parsed them already. */
  readonly parsed?: { readonly data: unknown; readonly metadata: unknown };
}

/**
 * Leaves of the log of all entries, as they are hashed if each event is an entry of the ledger: a byte 0x00 and the text of `leafText`
 * in UTF-8, one behind the other. RFC 9162, section 2.1.1.
 */
export interface LeafBytes {
  readonly bytes: Uint8Array;
  /** How many bytes each leaf has, that before its text among them. */
  readonly lengths: readonly number[];
  /** What is stored beside each leaf, and where it begins and ends in these bytes: the metadata from `,"~":{` on, or nothing. */
  readonly stored: Uint8Array;
  readonly beside: readonly (readonly [from: number, to: number])[];
  /** The position of each leaf's event. */
  readonly positions: readonly number[];
}

/** What an adapter does: events go in and come out as texts, and nothing is asked of what they say. The rest is as the port says it. */
export interface RawStore {
  readonly kind: EventStore['kind'];
  append(stream: string, events: readonly RawAppend[], expected: ExpectedRevision): Promise<AppendResult>;
  readStream(
    stream: string,
    options?: { from?: number; direction?: 'forwards' | 'backwards'; limit?: number },
  ): AsyncIterable<RawEvent>;
  readAll(options?: ReadAllOptions): AsyncIterable<RawEvent[]>;
  readLeaves(options?: ReadAllOptions): AsyncIterable<LeafBytes>;
  head(): Promise<number>;
  followAll(options: { after: number; batchSize?: number; signal: AbortSignal }): AsyncIterable<RawEvent[]>;
  close(): Promise<void>;
}

/**
 * A store that was opened without a key. What it writes has no authenticator, and whatever has the form of an entry is one to it: for
 * verification by hashes alone, and for `authenticStore`.
 */
export interface KeylessStore extends EventStore {
  readonly events: RawStore;
}

/** A store that was opened with the ledger's key, and whose events can be read as they are, too: what the log has signed is told by hashes. */
export interface AuthenticStore extends EventStore {
  readonly events: RawStore;
}

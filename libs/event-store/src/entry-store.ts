import type { Mark } from '@sijill/platform';
import { writtenEntries } from './append-limits.js';
import type { EntryAuthenticator } from './authenticator.js';
import type {
  AppendResult,
  EntryText,
  EventStore,
  ExpectedRevision,
  JsonObject,
  NewEntry,
  StoredEntry,
  WrittenEntry,
} from './event-store.port.js';
import { leafHashesAt, ownLeafHash } from './leaf-hash.js';
import { foreignDigest } from './leaf-text.js';
import type { AuthenticStore, KeylessStore, RawAppend, RawEvent, RawStore } from './raw-store.js';
import { whole } from './whole-stream.js';
import { authenticatedText, readBeside, splitMetadata, storedMetadata, type Beside } from './stored-form.js';

/** Who looks on at what a ledger writes. */
export interface AppendWatch {
  /** Before each append. @throws StoreUnavailable nothing is to be written now */
  assertMayAppend(): void;
  /** The last entry of an append that came to be durable. */
  appended(last: Mark): void;
}

/**
 * The entries of a ledger in a store whose events may be anybody's. With an authenticator: what it writes has one that covers the
 * place of the entry, and what has none that holds, at the place where it stands, is foreign. Without: see `KeylessStore`.
 */
export class EntryStore implements KeylessStore {
  readonly kind: EventStore['kind'];

  constructor(
    readonly events: RawStore,
    private readonly authenticator: EntryAuthenticator | null,
    private readonly watch: AppendWatch | null = null,
  ) {
    this.kind = events.kind;
  }

  /** @throws TypeError also where it has an authenticator and `any` is asked for */
  async append(
    stream: string,
    entries: readonly (NewEntry | WrittenEntry)[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    const { authenticator } = this;
    const written = writtenEntries(entries);
    if (authenticator === null) return this.events.append(stream, written.map(unauthenticated), expected);
    this.watch?.assertMayAppend();
    const authenticated = authenticatedEvents(authenticator, stream, written, expected);
    const result = await this.events.append(
      stream,
      authenticated.map(({ event }) => event),
      expected,
    );
    const leafHashes = authenticated.map(({ leafHash }) => leafHash);
    this.watch?.appended({ position: result.position, leafHash: leafHashes.at(-1)! });
    return { ...result, leafHashes };
  }

  async *readStream(...[stream, options]: Parameters<EventStore['readStream']>): AsyncGenerator<StoredEntry> {
    for await (const event of whole(this.events, stream, options))
      yield* await this.made([event], (each) => this.storedEntry(each));
  }

  async *readAll(options?: Parameters<EventStore['readAll']>[0]): AsyncGenerator<StoredEntry[]> {
    for await (const batch of this.events.readAll(options)) yield this.made(batch, (event) => this.storedEntry(event));
  }

  async *readTexts(options?: Parameters<EventStore['readTexts']>[0]): AsyncGenerator<EntryText[]> {
    for await (const batch of this.events.readAll(options)) yield this.made(batch, (event) => this.entryText(event));
  }

  head(): Promise<number> {
    return this.events.head();
  }

  async *subscribeToAll(options: Parameters<EventStore['subscribeToAll']>[0]): AsyncGenerator<StoredEntry[]> {
    for await (const batch of this.events.followAll(options))
      yield this.made(batch, (event) => this.storedEntry(event));
  }

  async *followTexts(options: Parameters<EventStore['followTexts']>[0]): AsyncGenerator<EntryText[]> {
    for await (const batch of this.events.followAll(options)) yield this.made(batch, (event) => this.entryText(event));
  }

  close(): Promise<void> {
    return this.events.close();
  }

  /** Events as entries. Before one that names a key which is not here counts as foreign, that key is looked for. */
  private async made<T extends { readonly unknownKey?: string }>(
    events: readonly RawEvent[],
    make: (event: RawEvent) => T,
  ): Promise<T[]> {
    const entries = events.map(make);
    const missing = new Set(entries.flatMap(({ unknownKey }) => unknownKey ?? []));
    if (missing.size === 0 || !(await this.authenticator!.seek([...missing]))) return entries;
    return events.map(make);
  }

  /** What an event is as an entry of this ledger; null when it is none. */
  private own(event: RawEvent): Own | null {
    const { data, metadata } = event;
    const { open, beside } = splitMetadata(metadata);
    const parts = readBeside(beside);
    if (this.authenticator === null)
      return isObjectText(data) && isObjectText(metadata)
        ? { head: `${open}}`, sealed: parts?.sealed ?? '', leafHash: null }
        : null;
    const leafHash = parts === null ? null : heldHash(this.authenticator, event, open, parts);
    return leafHash === null ? null : { head: `${open}}`, sealed: parts!.sealed, leafHash };
  }

  private entryText(event: RawEvent): EntryText {
    const { id, type, stream, revision, position, data } = event;
    const own = this.own(event);
    if (own === null) return { ...placeOf(event), ...FOREIGN_TEXT, ...this.foreign(event) };
    const { head: metadata, sealed, leafHash } = own;
    return leafHash === null
      ? { id, type, stream, revision, position, data, metadata, sealed, foreign: false }
      : { id, type, stream, revision, position, data, metadata, sealed, foreign: false, leafHash };
  }

  private storedEntry(event: RawEvent): StoredEntry {
    const own = this.own(event);
    const bodies = own === null ? null : parsedBodies(event, own.head);
    if (own === null || bodies === null)
      return { ...placeOf(event), data: {}, metadata: {}, sealed: {}, foreign: true, ...this.foreign(event) };
    return { ...placeOf(event), ...bodies, sealed: sealedParts(own.sealed), foreign: false };
  }

  private foreign(event: RawEvent): Pick<StoredEntry, 'sha256' | 'unknownKey'> {
    const unknownKey = this.authenticator === null ? null : unknownKeyOf(event, this.authenticator);
    return { sha256: foreignDigest(event), ...(unknownKey === null ? {} : { unknownKey }) };
  }
}

function unauthenticated({ id, type, data, metadata, sealed }: WrittenEntry): RawAppend {
  return { id, type, data, metadata: storedMetadata(metadata, { by: '', mac: '', sealed }) };
}

/** @throws TypeError */
function authenticatedEvents(
  authenticator: EntryAuthenticator,
  stream: string,
  entries: readonly WrittenEntry[],
  expected: ExpectedRevision,
): { readonly event: RawAppend; readonly leafHash: string }[] {
  if (expected === 'any') throw new TypeError('an entry is authenticated with its place: append at a revision');
  if (stream.includes('\n')) throw new TypeError(`${JSON.stringify(stream)} cannot be the name of a lane`);
  const leafHashes = leafHashesAt(stream, expected === 'no_stream' ? 0 : expected + 1, entries);
  const by = authenticator.keyId;
  return entries.map(({ id, type, data, metadata: head, sealed }, i) => {
    const leafHash = leafHashes[i]!;
    const mac = authenticator.mac(authenticatedText(data, leafHash));
    return { event: { id, type, data, metadata: storedMetadata(head, { by, mac, sealed }) }, leafHash };
  });
}

interface Own {
  readonly head: string;
  readonly sealed: string;
  /** In hex; null where nothing was authenticated. */
  readonly leafHash: string | null;
}

const FOREIGN_TEXT = { data: '{}', metadata: '{}', sealed: '', foreign: true } as const;

/**
 * The same store, for a ledger that has its keyring: what it writes is authenticated, and what others wrote is foreign. A lane whose
 * entry has to move to another revision appends it again, and it is authenticated anew.
 */
export function authenticStore(
  { events }: Pick<KeylessStore, 'events'>,
  authenticator: EntryAuthenticator,
  watch?: AppendWatch,
): AuthenticStore {
  return new EntryStore(events, authenticator, watch);
}

/** The same store as somebody sees it who has no key: whatever has the form of an entry is one. */
export function withoutKey({ events }: Pick<AuthenticStore, 'events'>): KeylessStore {
  return new EntryStore(events, null);
}

/** Whether an event is an entry of this ledger, at the place where it stands. */
export function authenticatorHolds(event: RawEvent, authenticator: EntryAuthenticator): boolean {
  const { open, beside } = splitMetadata(event.metadata);
  const parts = readBeside(beside);
  return parts !== null && heldHash(authenticator, event, open, parts) !== null;
}

/** The key that an event names as the one of its authenticator, where that is one that is not here; else null. */
export function unknownKeyOf({ metadata }: RawEvent, authenticator: EntryAuthenticator): string | null {
  const by = readBeside(splitMetadata(metadata).beside)?.by ?? '';
  return authenticator.lacks(by) ? by : null;
}

/** The hash of the leaf that its authenticator holds for; null when it does not. */
function heldHash(
  authenticator: EntryAuthenticator,
  event: RawEvent,
  head: string,
  { by, mac }: Beside,
): string | null {
  if (by === '') return null;
  const leafHash = ownLeafHash(event, head);
  return authenticator.verifies(by, authenticatedText(event.data, leafHash), mac) ? leafHash : null;
}

function placeOf({ id, type, stream, revision, position }: RawEvent): Pick<RawEvent, 'id' | 'type'> & RawPlace {
  return { id, type, stream, revision, position };
}

type RawPlace = Pick<RawEvent, 'stream' | 'revision' | 'position'>;

function isObjectText(text: string): boolean {
  return text.startsWith('{') && text.endsWith('}');
}

/** Both bodies, parsed once; null when they are no JSON objects, as may be where nothing has authenticated them. */
function parsedBodies({ data, parsed }: RawEvent, head: string): Pick<StoredEntry, 'data' | 'metadata'> | null {
  if (parsed !== undefined) {
    const { '~': _, ...metadata } = parsed.metadata as JsonObject;
    return { data: parsed.data as JsonObject, metadata };
  }
  try {
    return { data: JSON.parse(data) as JsonObject, metadata: JSON.parse(head) as JsonObject };
  } catch {
    return null;
  }
}

/** Ciphertext is covered by its hash in the data and by its own tag, not by the authenticator: what is none is as good as broken. */
function sealedParts(text: string): Readonly<Record<string, string>> {
  if (text === '') return {};
  try {
    const parts = JSON.parse(text) as Record<string, string>;
    return Object.values(parts).every((part) => typeof part === 'string') ? parts : {};
  } catch {
    return {};
  }
}

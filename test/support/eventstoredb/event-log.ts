import { EventEmitter } from 'node:events';
import { LogFile, type Recorded, type Scavenged } from './log-file.js';
import { fromRevision, hidesAll, METADATA_STREAM, shown, truncationIn, type Truncation } from './truncation.js';

export interface Proposed {
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Buffer;
  readonly metadata: Buffer;
}

export type Expected = 'any' | 'no_stream' | 'stream_exists' | bigint;

export type Outcome =
  | { readonly kind: 'written'; readonly last: Recorded }
  /** All of it was there already. `hidden`: its last event can no longer be read, so its position is not known either. */
  | { readonly kind: 'repeated'; readonly last: Recorded; readonly hidden: boolean }
  | { readonly kind: 'nothing'; readonly current: bigint }
  | { readonly kind: 'wrong'; readonly current: bigint }
  | { readonly kind: 'deleted' };

interface StreamState {
  /** What is there of it, by revision; the last one is always there. */
  events: Recorded[];
  tombstone?: Recorded;
}

const NO_EVENTS: readonly Recorded[] = [];
const DELETED_FOR_GOOD = 9223372036854775807n;
// The log of a real server begins with records of its own.
const FIRST_POSITION = 1365;
/** The log lies in chunks; a scavenge ends the one that is written to. */
const CHUNK = 256 * 1024 * 1024;

export interface EventLogOptions {
  /** Where it is kept; without it, in memory only. */
  readonly dataDir?: string | undefined;
  /** The server's clock, in milliseconds since 1970. */
  readonly now?: () => number;
}

/** The log of a node: what may be appended, what is a repeat, and what a reader sees. Emits `appended`, with the records. */
export class EventLog extends EventEmitter {
  readonly #streams = new Map<string, StreamState>();
  // What `any` and `stream_exists` know a repeat by: memory only, gone after a restart, as in the server.
  readonly #recent = new Map<string, Recorded>();
  readonly #file: LogFile | undefined;
  readonly #now: () => number;
  #all: Recorded[] = [];
  #end = FIRST_POSITION;
  #scavengedTo = 0;
  #rightsVersion = 0;
  #leader: EventLog | undefined;
  readonly #replicate = (records: readonly Recorded[]): void => {
    if (records.length > 0) this.#add(records);
  };

  constructor({ dataDir, now = Date.now }: EventLogOptions = {}) {
    super();
    this.setMaxListeners(0);
    this.#now = now;
    if (dataDir === undefined) return;
    this.#file = new LogFile(dataDir, {
      records: (records) => this.#take(records),
      scavenged: (scavenged) => this.#drop(scavenged),
    });
  }

  /** Takes what it lacks of another log, and what that one takes from now on; what is to be written is handed on to it. */
  follow(leader: EventLog | undefined): void {
    this.#leader?.off('appended', this.#replicate);
    this.#leader = leader;
    if (leader === undefined) return;
    this.#replicate(leader.page(this.#end, Infinity));
    leader.on('appended', this.#replicate);
  }

  append(stream: string, events: readonly Proposed[], expected: Expected): Outcome {
    if (this.#leader !== undefined) return this.#leader.append(stream, events, expected);
    const state = this.#streams.get(stream);
    if (state?.tombstone !== undefined) return { kind: 'deleted' };
    const verdict = this.#check(stream, state?.events ?? NO_EVENTS, events, expected);
    if (verdict !== 'write') return this.#withVisibility(stream, verdict);
    const current = lastRevision(state);
    if (events.length === 0) return { kind: 'nothing', current };
    const revived = this.isSoftDeleted(stream);
    const records = this.#write(stream, events, current + 1n);
    if (revived) this.#write(`$$${stream}`, [metadataEvent(`{"$tb":${current + 1n}}`)]);
    for (const record of records) this.#recent.set(record.id, record);
    return { kind: 'written', last: records.at(-1) as Recorded };
  }

  /** Hides what is there; the stream can be written again and its revisions go on. */
  softDelete(stream: string, expected: Expected): Outcome {
    if (this.#leader !== undefined) return this.#leader.softDelete(stream, expected);
    const state = this.#streams.get(stream);
    if (state?.tombstone !== undefined) return { kind: 'deleted' };
    const current = lastRevision(state);
    const isThere = current >= 0n || this.#streams.has(`$$${stream}`);
    if (
      !isThere ||
      (typeof expected === 'bigint' && expected !== current) ||
      (expected === 'no_stream' && current >= 0n)
    )
      return { kind: 'wrong', current };
    const [last] = this.#write(`$$${stream}`, [metadataEvent(`{"$tb":${DELETED_FOR_GOOD}}`)]);
    return { kind: 'written', last: last as Recorded };
  }

  /** Ends the stream for ever. */
  tombstone(stream: string, expected: Expected): Outcome {
    if (this.#leader !== undefined) return this.#leader.tombstone(stream, expected);
    const state = this.#streams.get(stream);
    if (state?.tombstone !== undefined) return { kind: 'deleted' };
    const current = lastRevision(state);
    const missing = current < 0n && expected === 'stream_exists';
    if (missing || (typeof expected === 'bigint' && expected !== current)) return { kind: 'wrong', current };
    const mark = { ...metadataEvent(''), type: '$streamDeleted' };
    const [last] = this.#write(stream, [mark], DELETED_FOR_GOOD);
    return { kind: 'written', last: last as Recorded };
  }

  isTombstoned(stream: string): boolean {
    return this.#streams.get(stream.startsWith('$$') ? stream.slice(2) : stream)?.tombstone !== undefined;
  }

  tombstoneOf(stream: string): Recorded | undefined {
    return this.#streams.get(stream)?.tombstone;
  }

  isSoftDeleted(stream: string): boolean {
    return hidesAll(this.#truncation(stream));
  }

  /** The stream's metadata as the server understands it: nothing where it is no JSON object. */
  metadata(stream: string): Record<string, unknown> {
    return this.#lastJson(`$$${stream}`);
  }

  /** The server's defaults, who may do what. */
  settings(): Record<string, unknown> {
    return this.#lastJson('$settings');
  }

  /** Grows whenever somebody's rights may have changed. */
  get rightsVersion(): number {
    return this.#rightsVersion;
  }

  /** Where the next record goes. */
  get end(): number {
    return this.#end;
  }

  /** What the log holds, in its order. */
  get all(): readonly Recorded[] {
    return this.#all;
  }

  /** So many records at or behind a position. */
  page(from: number, count: number): readonly Recorded[] {
    const index = this.indexAt(from);
    return this.#all.slice(index, index + count);
  }

  /** What a reader of the stream sees; undefined when it was never written or is soft-deleted. */
  visible(stream: string): readonly Recorded[] | undefined {
    const events = this.#streams.get(stream)?.events;
    if (events === undefined || this.isSoftDeleted(stream)) return undefined;
    return shown(events, this.#truncation(stream), this.#now());
  }

  /** The index in `all` of the first record at or behind a position. */
  indexAt(position: number): number {
    let low = 0;
    let high = this.#all.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.#all[middle] as Recorded).position < position) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Whether a position is the beginning of a record, or one that cannot be told to be none: scavenged, or not there yet. */
  isPosition(position: bigint): boolean {
    if (position >= BigInt(this.#end) || position < BigInt(this.#scavengedTo)) return true;
    return this.#all[this.indexAt(Number(position))]?.position === Number(position);
  }

  /**
   * Takes off the log what is hidden or deleted; a stream's last event stays, unless the stream is deleted for good. The
   * positions of what is left stay, and the next write begins the next chunk.
   */
  scavenge(): void {
    const removed = [...this.#streams].flatMap(([stream, state]) => this.#hidden(stream, state));
    const scavenged = { removed: removed.map(({ position }) => position), end: Math.ceil(this.#end / CHUNK) * CHUNK };
    this.#file?.writeScavenged(scavenged);
    this.#drop(scavenged);
  }

  close(): void {
    this.#file?.close();
  }

  // Written down in the order in which the server decides.
  #check(
    stream: string,
    stored: readonly Recorded[],
    events: readonly Proposed[],
    expected: Expected,
  ): Outcome | 'write' {
    const current = stored.at(-1)?.revision ?? -1n;
    switch (expected) {
      case 'stream_exists':
        if (current < 0n) return this.#streams.has(`$$${stream}`) ? 'write' : { kind: 'wrong', current };
        if (this.isSoftDeleted(stream)) return { kind: 'deleted' };
        return this.#recentRepeat(stream, events, current);
      case 'any':
        return current < 0n ? 'write' : this.#recentRepeat(stream, events, current);
      case 'no_stream':
        if (current < 0n) return 'write';
        if (this.isSoftDeleted(stream) && !holds(stored, 0n, events[0])) return 'write';
        return storedRepeat(stored, events, 0n, current);
      default:
        if (expected === current) return 'write';
        if (expected > current) return { kind: 'wrong', current };
        return storedRepeat(stored, events, expected + 1n, current);
    }
  }

  #recentRepeat(stream: string, events: readonly Proposed[], current: bigint): Outcome | 'write' {
    const known = events.map(({ id }) => this.#recent.get(id)).map((record) => record?.stream === stream && record);
    const [first] = known;
    if (!first) return 'write';
    const last = known.at(-1);
    if (known.includes(false) || !last) return { kind: 'wrong', current };
    return { kind: 'repeated', last, hidden: false };
  }

  #withVisibility(stream: string, outcome: Outcome): Outcome {
    if (outcome.kind !== 'repeated') return outcome;
    const first = this.visible(stream)?.[0]?.revision;
    return { ...outcome, hidden: first === undefined || outcome.last.revision < first };
  }

  #hidden(stream: string, { events }: StreamState): readonly Recorded[] {
    if (this.isTombstoned(stream)) return events;
    const kept = new Set(this.visible(stream));
    return events.filter((event, i) => i < events.length - 1 && !kept.has(event));
  }

  #drop({ removed, end }: Scavenged): void {
    const gone = new Set(removed);
    const stays = ({ position }: Recorded) => !gone.has(position);
    this.#all = this.#all.filter(stays);
    for (const state of this.#streams.values()) state.events = state.events.filter(stays);
    this.#end = this.#scavengedTo = end;
  }

  #write(stream: string, events: readonly Proposed[], from?: bigint): Recorded[] {
    let revision = from ?? lastRevision(this.#streams.get(stream)) + 1n;
    let position = this.#end;
    const created = BigInt(this.#now()) * 10_000n;
    const records = events.map((event) => {
      const record = { ...event, stream, revision, position, created };
      revision += 1n;
      position += recordBytes(record);
      return record;
    });
    this.#add(records);
    return records;
  }

  #add(records: readonly Recorded[]): void {
    this.#file?.write(records);
    this.#take(records);
    this.emit('appended', records);
  }

  #take(records: readonly Recorded[]): void {
    for (const record of records) {
      const state = this.#streams.get(record.stream) ?? { events: [] };
      if (record.revision === DELETED_FOR_GOOD) state.tombstone = record;
      else state.events.push(record);
      this.#streams.set(record.stream, state);
      this.#all.push(record);
      this.#end = record.position + recordBytes(record);
      if (record.stream.startsWith('$$') || record.stream === '$settings') this.#rightsVersion += 1;
    }
  }

  #lastJson(stream: string): Record<string, unknown> {
    const last = this.#streams.get(stream)?.events.at(-1);
    return last === undefined ? {} : jsonObject(last.data);
  }

  #truncation(stream: string): Truncation {
    return stream.startsWith('$$') ? METADATA_STREAM : truncationIn(this.metadata(stream));
  }
}

function lastRevision(state: StreamState | undefined): bigint {
  return state?.events.at(-1)?.revision ?? -1n;
}

function holds(stored: readonly Recorded[], revision: bigint, event: Proposed | undefined): boolean {
  const there = fromRevision(stored, revision)[0];
  return there?.revision === revision && there.id === event?.id;
}

// Only ids are compared, with what lies at the expected place. Where the events are scavenged nothing can be compared.
function storedRepeat(
  stored: readonly Recorded[],
  events: readonly Proposed[],
  from: bigint,
  current: bigint,
): Outcome {
  const there = fromRevision(stored, from).slice(0, events.length);
  const last = there.at(-1);
  const same =
    there.length === events.length &&
    there.every(({ id, revision }, i) => id === events[i]?.id && revision === from + BigInt(i));
  return same && last !== undefined ? { kind: 'repeated', last, hidden: false } : { kind: 'wrong', current };
}

function recordBytes({
  stream,
  type,
  data,
  metadata,
}: Omit<Proposed, 'id' | 'contentType'> & { stream: string }): number {
  const names = [stream, type].map((name) => Buffer.byteLength(name));
  return 88 + names.reduce((sum, length) => sum + length + (length < 128 ? 1 : 2), 0) + data.length + metadata.length;
}

function metadataEvent(json: string): Proposed {
  const empty = Buffer.alloc(0);
  const id = crypto.randomUUID();
  return { id, type: '$metadata', contentType: 'application/json', data: Buffer.from(json), metadata: empty };
}

function jsonObject(bytes: Buffer): Record<string, unknown> {
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'));
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}

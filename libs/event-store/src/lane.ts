import { setTimeout as pause } from 'node:timers/promises';
import { backOff, within } from '@sijill/platform';
import { MAX_APPEND_BYTES, MAX_APPEND_ENTRIES, writeEntry } from './append-limits.js';
import {
  AppendTooLarge,
  LaneLost,
  LaneTakenOver,
  OutcomeUnknown,
  StoreFull,
  StoreNotOurs,
  StoreRefused,
  StoreUnavailable,
  StreamNotFound,
  WrongExpectedRevision,
} from './errors.js';
import { behind, endBehindForeign, laneEnd } from './lane-end.js';
import { leafHashesAt } from './leaf-hash.js';
import type { AppendResult, EventStore, NewEntry, StoredEntry, WrittenEntry } from './event-store.port.js';

/** The lane's queue is full: the caller tells its own caller to come back later. */
export class LaneBusy extends Error {
  override readonly name = 'LaneBusy';
}

/** The lane was closed before these entries could be handed to the store; they are not stored. */
export class LaneClosed extends Error {
  override readonly name = 'LaneClosed';
}

export interface LaneOptions {
  /**
   * What it means when somebody else has written to the lane. `stop`: the lane has one writer by right, and a second one is
   * newer (Kafka partitions, the HTTP lane of a node). `follow`: several processes share the lane and only the order counts
   * (the command line): take the new end and go on.
   */
  readonly onOtherWriter: 'stop' | 'follow';
  /** Bytes that may be handed over and not yet be durable: 64 MiB. */
  readonly byteBudget?: number;
  /**
   * What becomes of entries when the store's disk is full, or the store is another one than it was. `wait` until that is over (a topic
   * keeps its records meanwhile), or `refuse` them (somebody waits for the answer).
   */
  readonly whenFull: 'wait' | 'refuse';
  /**
   * How long a caller waits to be told what became of its entries, in milliseconds: 10,000. The lane itself goes on for as long as it
   * takes.
   */
  readonly settleWithinMs?: number;
  /** Called when an append, or the look at what became of one, has to be tried again, with the reason's name. */
  readonly onRetry?: (reason: string) => void;
}

/** What came to stand in a lane: with the hash of each entry's leaf. */
export type Appended = Required<AppendResult>;

interface Waiting {
  readonly entries: readonly WrittenEntry[];
  readonly bytes: number;
  /** What became of them, whenever that is known. */
  readonly outcome: Promise<Appended>;
  readonly resolve: (result: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** Entries whose caller was told that they may or may not be stored. */
interface Late {
  readonly ids: readonly string[];
  readonly outcome: Promise<Appended>;
}

/** After these a lane takes nothing any more; any other failure is that of the entries. */
const LOST = [LaneTakenOver, LaneClosed, StoreRefused];
/** What lasts longer than anybody waits for an answer. */
const REFUSING = [StoreFull, StoreNotOurs];
const BYTE_BUDGET = 64 * 1024 * 1024;
const SETTLE_WITHIN_MS = 10_000;
/** So many calls that were told too little are remembered. */
const LATE_KEPT = 1_000;
const PAUSES_MS = { first: 20, longest: 2_000 };

/**
 * The one writer of one lane.
 *
 * It knows the revision it last saw and appends with exactly that, so a second writer fails in the store and stops, instead of
 * writing the same offsets twice. Callers that come while an append is under way share the next one, so that many small
 * appends cost one sync.
 *
 * A crash before the store has synced leaves none of an append; after it, all. An append whose outcome is not known is settled
 * by reading the lane's end before anything else is written. That takes as long as the store is away; callers are told before, and
 * the same entries, handed over again, are answered by what became of them. What no try mends, a right that was withdrawn or
 * entries that were hidden, stops the lane.
 */
export class Lane {
  private readonly queue: Waiting[] = [];
  /** Bytes of what waits and of what is under way. */
  private held = 0;
  private writing: Promise<void> | null = null;
  private stopped: Error | null = null;
  private closing = false;
  /** By the id of their last entry. */
  private readonly late = new Map<string, Late>();
  /** What the store failed with last; null once it has not. */
  private trouble: Error | null = null;

  private constructor(
    private readonly store: EventStore,
    readonly name: string,
    private readonly options: LaneOptions,
    private end: StoredEntry | null,
    private revision: number,
  ) {}

  /**
   * Takes up a lane at its end.
   *
   * @throws EntriesHidden    its end cannot be read
   * @throws StoreUnavailable | StoreRefused
   */
  static async open(store: EventStore, name: string, options: LaneOptions): Promise<Lane> {
    const { revision, entry } = await laneEnd(store, name);
    return new Lane(store, name, options, entry, revision);
  }

  /** The lane's last entry of ours as it was when the lane was taken up; null when there was none. */
  get endAtOpening(): StoredEntry | null {
    return this.end;
  }

  /** Why the lane takes nothing any more, or null. */
  get failure(): Error | null {
    return this.stopped;
  }

  /**
   * Appends entries behind all that was handed over before, and returns once they are durable. They stay together and in order;
   * what is over the store's limit goes in several appends.
   *
   * It settles within `settleWithinMs`, plus the time of what the event loop does meanwhile.
   *
   * @throws TypeError | AppendTooLarge one of them can never be stored; none of these is
   * @throws LaneTakenOver  another writer has the lane; this one has stopped for good
   * @throws LaneLost       what this one has written to it is not there any more; it has stopped for good
   * @throws LaneBusy       too much waits already; none of these is stored
   * @throws LaneClosed     the process is stopping; none of these is stored
   * @throws StoreFull      where the lane refuses then; none of these is stored
   * @throws StoreUnavailable the store did not come to them in time; none of these is stored
   * @throws OutcomeUnknown the store did not answer in time: they may or may not be stored. Handed over again they are not stored twice
   * @throws StoreRefused   no try helps; the lane has stopped. What the store had been handed may or may not be stored
   */
  async append(entries: readonly (NewEntry | WrittenEntry)[]): Promise<Appended> {
    if (this.stopped !== null) throw this.stopped;
    if (this.closing) throw new LaneClosed(`lane ${this.name} is being closed`);
    if (this.held >= (this.options.byteBudget ?? BYTE_BUDGET)) {
      throw new LaneBusy(`${this.held} bytes wait for lane ${this.name}`);
    }
    const written = entries.map(writeEntry);
    if (written.some((entry) => entry.bytes > MAX_APPEND_BYTES)) throw new AppendTooLarge(MAX_APPEND_BYTES);
    const late = this.late.get(written.at(-1)?.id ?? '');
    if (late?.ids.length === written.length && written.every(({ id }, i) => id === late.ids[i]))
      return this.inTime(late.outcome, () => this.outcomeUnknown());
    const bytes = written.reduce((sum, entry) => sum + entry.bytes, 0);
    let settle!: Pick<Waiting, 'resolve' | 'reject'>;
    const outcome = new Promise<Appended>((resolve, reject) => (settle = { resolve, reject }));
    const waiting: Waiting = { entries: written, bytes, outcome, ...settle };
    this.queue.push(waiting);
    this.held += bytes;
    this.writing ??= this.writeQueued();
    return this.inTime(outcome, () => this.tooLate(waiting));
  }

  /**
   * Takes nothing more, and lets what was handed over become durable. A store that stays out of reach must not keep the process
   * from ending: after `patienceMs` what still waits is refused, and its senders send it again.
   */
  async close(patienceMs = 10_000): Promise<void> {
    this.closing = true;
    if (this.writing !== null) await within(patienceMs, this.writing, () => this.abandon());
    this.stop(new LaneClosed(`lane ${this.name} is closed`));
  }

  /**
   * Gives up at once: what still waits is refused, and an append under way is not tried again. For a partition that was taken
   * away and for a store that stays out of reach while the process has to stop.
   */
  abandon(): void {
    this.stop(new LaneClosed(`lane ${this.name} was given up`));
  }

  private inTime(outcome: Promise<Appended>, late: () => Error): Promise<Appended> {
    return within(this.settleWithinMs, outcome, () => {
      throw late();
    });
  }

  private get settleWithinMs(): number {
    return this.options.settleWithinMs ?? SETTLE_WITHIN_MS;
  }

  /** What a caller is told whose time is up. What waits in the queue is taken back; what the store was handed is not. */
  private tooLate(waiting: Waiting): Error {
    const at = this.queue.indexOf(waiting);
    if (at >= 0) {
      this.queue.splice(at, 1);
      this.held -= waiting.bytes;
      return new StoreUnavailable(`${this.silence}; nothing of this is stored`, { cause: this.trouble });
    }
    const ids = waiting.entries.map(({ id }) => id);
    const key = ids.at(-1)!;
    this.late.set(key, { ids, outcome: waiting.outcome });
    // Those that could not be stored may be handed over anew.
    waiting.outcome.catch(() => this.late.delete(key));
    if (this.late.size > LATE_KEPT) this.late.delete(this.late.keys().next().value!);
    return this.outcomeUnknown();
  }

  private outcomeUnknown(): OutcomeUnknown {
    return new OutcomeUnknown(`${this.silence}: it may or may not be stored; send it again`, { cause: this.trouble });
  }

  private get silence(): string {
    const why = this.trouble === null ? '' : ` (${this.trouble.name}: ${this.trouble.message})`;
    return `the store has not settled an append to ${this.name} within ${this.settleWithinMs} ms${why}`;
  }

  private retry(error: unknown): void {
    this.trouble = error as Error;
    this.options.onRetry?.(this.trouble.name);
  }

  private async writeQueued(): Promise<void> {
    // Callers of the same turn of the event loop belong into one append.
    await Promise.resolve();
    while (this.queue.length > 0 && this.stopped === null) {
      const group: Waiting[] = [];
      let [bytes, count] = [0, 0];
      while (this.queue.length > 0) {
        const next = this.queue[0]!;
        const fits = bytes + next.bytes <= MAX_APPEND_BYTES && count + next.entries.length <= MAX_APPEND_ENTRIES;
        if (group.length > 0 && !fits) break;
        group.push(this.queue.shift()!);
        bytes += next.bytes;
        count += next.entries.length;
      }
      await this.writeGroup(group);
      this.held -= bytes;
    }
    // In the same turn as the look at the queue: whoever was just answered may hand over the next entries at once.
    this.writing = null;
  }

  private async writeGroup(group: readonly Waiting[]): Promise<void> {
    try {
      const entries = group.flatMap((waiting) => waiting.entries);
      const last = await this.storeInParts(entries);
      // Each caller is told the place of its own last entry; positions inside one append rise with it, and a caller only
      // needs one that is not before its own.
      let revision = last.revision - entries.length;
      let told = 0;
      for (const waiting of group) {
        revision += waiting.entries.length;
        const leafHashes = last.leafHashes.slice(told, (told += waiting.entries.length));
        waiting.resolve({ revision, position: last.position, leafHashes });
      }
    } catch (error) {
      const lost = LOST.some((kind) => error instanceof kind);
      if (!lost && !(error instanceof StoreUnavailable) && group.length > 1) {
        // Somebody's entries cannot be written at all. That is no matter of the others, nor of the lane.
        for (const waiting of group) await this.writeGroup([waiting]);
        return;
      }
      for (const waiting of group) waiting.reject(error);
      if (lost) this.stop(error as Error);
    }
  }

  private stop(reason: Error): void {
    this.stopped ??= reason;
    for (const waiting of this.queue.splice(0)) {
      this.held -= waiting.bytes;
      waiting.reject(this.stopped);
    }
  }

  /**
   * Stores a run of entries in as many appends as it takes. A crash between two leaves the first: whoever sends the rest again
   * finds it by the lane's end.
   */
  private async storeInParts(entries: readonly WrittenEntry[]): Promise<Appended> {
    const stored: Appended[] = [];
    for (const part of partsOf(entries, MAX_APPEND_BYTES, MAX_APPEND_ENTRIES))
      stored.push(await this.storeOrHalve(part));
    return joined(stored);
  }

  /** Stores what should fit one append; in halves where the store is set to take less. */
  private async storeOrHalve(entries: readonly WrittenEntry[]): Promise<Appended> {
    try {
      return await this.settle(entries);
    } catch (error) {
      if (!(error instanceof AppendTooLarge) || entries.length < 2) throw error;
      const middle = Math.ceil(entries.length / 2);
      const first = await this.storeOrHalve(entries.slice(0, middle));
      return joined([first, await this.storeOrHalve(entries.slice(middle))]);
    }
  }

  /** Appends until it is known that the entries are stored, or that they cannot be. */
  private async settle(entries: readonly WrittenEntry[]): Promise<Appended> {
    let mayBeStored = false;
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.store.append(this.name, entries, behind(this.revision));
        this.revision = result.revision;
        this.trouble = null;
        return this.withLeaves(entries, result);
      } catch (error) {
        if (error instanceof WrongExpectedRevision) {
          this.revision = await this.endAfter(error);
        } else if (error instanceof OutcomeUnknown) {
          const stored = await this.findStored(entries);
          if (stored !== null) return this.withLeaves(entries, stored);
          mayBeStored = true;
        } else if (!(error instanceof StoreUnavailable)) {
          throw error;
        } else if (
          this.options.whenFull === 'refuse' &&
          !mayBeStored &&
          REFUSING.some((kind) => error instanceof kind)
        ) {
          throw error;
        }
        if (this.stopped !== null) throw this.stopped;
        this.retry(error);
        await pause(backOff(attempt, PAUSES_MS));
      }
    }
  }

  /** Adds the hashes of the leaves where the store did not say them: of what was found, and where nothing is authenticated. */
  private withLeaves(entries: readonly WrittenEntry[], result: AppendResult): Appended {
    const first = result.revision - entries.length + 1;
    return { ...result, leafHashes: result.leafHashes ?? leafHashesAt(this.name, first, entries) };
  }

  /**
   * Where to go on when the lane's end is elsewhere. What somebody else has put into it is no other writer of it; waits until the
   * lane can be read.
   *
   * @throws LaneTakenOver | LaneLost
   */
  private async endAfter(error: WrongExpectedRevision): Promise<number> {
    if (this.options.onOtherWriter === 'follow') return error.actual;
    if (error.actual < this.revision) throw laneLost(this.name, error.actual, this.revision, error);
    const end =
      error.actual > this.revision
        ? await this.whenReadable(() => endBehindForeign(this.store, this.name, this.revision, error.actual))
        : null;
    if (end === null) throw new LaneTakenOver(`lane ${this.name} has another writer; this one stops`, { cause: error });
    return end;
  }

  /**
   * Whether the last of these entries lies behind what this writer knows of: then all are stored, whoever has written behind
   * them since. Waits until the lane can be read.
   */
  private findStored(entries: readonly WrittenEntry[]): Promise<AppendResult | null> {
    const { id } = entries.at(-1)!;
    return this.whenReadable(async () => {
      for await (const entry of this.store.readStream(this.name, { from: this.revision + 1 })) {
        // A copy of it that is foreign is not it.
        if (entry.foreign || entry.id !== id) continue;
        this.revision = entry.revision;
        return { revision: entry.revision, position: entry.position };
      }
      return null;
    });
  }

  /** Reads the lane until it can be read; null while it is not there. @throws StoreRefused it never can */
  private async whenReadable<T>(read: () => Promise<T>): Promise<T | null> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await read();
      } catch (error) {
        if (error instanceof StreamNotFound) return null;
        if (error instanceof StoreRefused) throw error;
        if (this.stopped !== null) throw this.stopped;
        this.retry(error);
        await pause(backOff(attempt, PAUSES_MS));
      }
    }
  }
}

/** What is told of a lane that ends before what was written to it. */
export function laneLost(name: string, end: number, written: number, cause?: unknown): LaneLost {
  const found = end < 0 ? 'is not there' : `ends at ${end}`;
  return new LaneLost(
    `lane ${name} ${found}, and revision ${written} of it was stored: the event store is another one, or was cut`,
    { cause },
  );
}

/** Several appends as one, which ends where the last of them does. */
function joined(parts: readonly Appended[]): Appended {
  return { ...parts.at(-1)!, leafHashes: parts.flatMap(({ leafHashes }) => leafHashes) };
}

/** Runs of at most so many entries, and of so many bytes each, or of one entry. */
function* partsOf(entries: readonly WrittenEntry[], bytes: number, count: number): Generator<readonly WrittenEntry[]> {
  let from = 0;
  let size = 0;
  for (let i = 0; i < entries.length; i++) {
    const next = entries[i]!.bytes;
    if (i > from && (size + next > bytes || i - from === count)) {
      yield entries.slice(from, i);
      from = i;
      size = 0;
    }
    size += next;
  }
  yield from === 0 ? entries : entries.slice(from);
}

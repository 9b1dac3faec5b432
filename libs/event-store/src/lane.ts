import { setTimeout as pause } from 'node:timers/promises';
import { backOff } from '@sijill/platform';
import { MAX_APPEND_BYTES, writeEntry } from './append-limits.js';
import {
  AppendTooLarge,
  LaneTakenOver,
  OutcomeUnknown,
  StoreFull,
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
   * What becomes of entries when the store's disk is full. `wait` until there is room (a topic keeps its records meanwhile), or
   * `refuse` them (somebody waits for the answer).
   */
  readonly whenFull: 'wait' | 'refuse';
  /** Called when an append has to be tried again, with the reason's name. */
  readonly onRetry?: (reason: string) => void;
}

/** What came to stand in a lane: with the hash of each entry's leaf. */
export type Appended = Required<AppendResult>;

interface Waiting {
  readonly entries: readonly WrittenEntry[];
  readonly bytes: number;
  readonly resolve: (result: Appended) => void;
  readonly reject: (error: unknown) => void;
}

/** After these a lane takes nothing any more; any other failure is that of the entries. */
const LOST = [LaneTakenOver, LaneClosed, StoreRefused];
const BYTE_BUDGET = 64 * 1024 * 1024;
const PAUSES_MS = { first: 20, longest: 2_000 };

/**
 * The one writer of one lane.
 *
 * It knows the revision it last saw and appends with exactly that, so a second writer fails in the store and stops, instead of
 * writing the same offsets twice. Callers that come while an append is under way share the next one, so that many small
 * appends cost one sync.
 *
 * A crash before the store has synced leaves none of an append; after it, all. An append whose outcome is not known is settled
 * by reading the lane's end before anything else is written.
 */
export class Lane {
  private readonly queue: Waiting[] = [];
  /** Bytes of what waits and of what is under way. */
  private held = 0;
  private writing: Promise<void> | null = null;
  private stopped: Error | null = null;
  private closing = false;

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
   * @throws StoreUnavailable
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
   * @throws TypeError | AppendTooLarge one of them can never be stored; none of these is
   * @throws LaneTakenOver  another writer has the lane; this one has stopped for good
   * @throws LaneBusy       too much waits already; none of these is stored
   * @throws LaneClosed     the process is stopping; none of these is stored
   * @throws StoreFull      where the lane refuses then; none of these is stored
   */
  async append(entries: readonly (NewEntry | WrittenEntry)[]): Promise<Appended> {
    if (this.stopped !== null) throw this.stopped;
    if (this.closing) throw new LaneClosed(`lane ${this.name} is being closed`);
    if (this.held >= (this.options.byteBudget ?? BYTE_BUDGET)) {
      throw new LaneBusy(`${this.held} bytes wait for lane ${this.name}`);
    }
    const written = entries.map(writeEntry);
    if (written.some((entry) => entry.bytes > MAX_APPEND_BYTES)) throw new AppendTooLarge(MAX_APPEND_BYTES);
    const bytes = written.reduce((sum, entry) => sum + entry.bytes, 0);
    return new Promise((resolve, reject) => {
      this.queue.push({ entries: written, bytes, resolve, reject });
      this.held += bytes;
      this.writing ??= this.writeQueued();
    });
  }

  /**
   * Takes nothing more, and lets what was handed over become durable. A store that stays out of reach must not keep the process
   * from ending: after `patienceMs` what still waits is refused, and its senders send it again.
   */
  async close(patienceMs = 10_000): Promise<void> {
    this.closing = true;
    const timer = setTimeout(() => this.abandon(), patienceMs);
    if (this.writing !== null) await this.writing;
    clearTimeout(timer);
    this.stop(new LaneClosed(`lane ${this.name} is closed`));
  }

  /**
   * Gives up at once: what still waits is refused, and an append under way is not tried again. For a partition that was taken
   * away and for a store that stays out of reach while the process has to stop.
   */
  abandon(): void {
    this.stop(new LaneClosed(`lane ${this.name} was given up`));
  }

  private async writeQueued(): Promise<void> {
    // Callers of the same turn of the event loop belong into one append.
    await Promise.resolve();
    while (this.queue.length > 0 && this.stopped === null) {
      const group: Waiting[] = [];
      let bytes = 0;
      while (this.queue.length > 0 && (group.length === 0 || bytes + this.queue[0]!.bytes <= MAX_APPEND_BYTES)) {
        const next = this.queue.shift()!;
        group.push(next);
        bytes += next.bytes;
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
      if (!lost && !(error instanceof StoreFull) && group.length > 1) {
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
    for (const part of partsOf(entries, MAX_APPEND_BYTES)) stored.push(await this.storeOrHalve(part));
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
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.store.append(this.name, entries, behind(this.revision));
        this.revision = result.revision;
        return this.withLeaves(entries, result);
      } catch (error) {
        if (error instanceof WrongExpectedRevision) {
          this.revision = await this.endAfter(error);
        } else if (error instanceof OutcomeUnknown) {
          const stored = await this.findStored(entries);
          if (stored !== null) return this.withLeaves(entries, stored);
        } else if (!(error instanceof StoreUnavailable)) {
          throw error;
        } else if (error instanceof StoreFull && this.options.whenFull === 'refuse') {
          throw error;
        }
        if (this.stopped !== null) throw this.stopped;
        this.options.onRetry?.((error as Error).name);
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
   * @throws LaneTakenOver
   */
  private async endAfter(error: WrongExpectedRevision): Promise<number> {
    if (this.options.onOtherWriter === 'follow') return error.actual;
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

  /** Reads the lane until it can be read; null while it is not there. */
  private async whenReadable<T>(read: () => Promise<T>): Promise<T | null> {
    for (let attempt = 0; ; attempt++) {
      try {
        return await read();
      } catch (error) {
        if (error instanceof StreamNotFound) return null;
        if (error instanceof StoreRefused) throw error;
        if (this.stopped !== null) throw this.stopped;
        await pause(backOff(attempt, PAUSES_MS));
      }
    }
  }
}

/** Several appends as one, which ends where the last of them does. */
function joined(parts: readonly Appended[]): Appended {
  return { ...parts.at(-1)!, leafHashes: parts.flatMap(({ leafHashes }) => leafHashes) };
}

/** Runs of entries of at most so many bytes each, or of one entry. */
function* partsOf(entries: readonly WrittenEntry[], bytes: number): Generator<readonly WrittenEntry[]> {
  let from = 0;
  let size = 0;
  for (let i = 0; i < entries.length; i++) {
    const next = entries[i]!.bytes;
    if (i > from && size + next > bytes) {
      yield entries.slice(from, i);
      from = i;
      size = 0;
    }
    size += next;
  }
  yield from === 0 ? entries : entries.slice(from);
}

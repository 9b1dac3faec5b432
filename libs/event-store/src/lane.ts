import {
  AppendTooLarge,
  LaneTakenOver,
  OutcomeUnknown,
  StoreRefused,
  StoreUnavailable,
  StreamNotFound,
  WrongExpectedRevision,
} from './errors.js';
import type { AppendResult, EventStore, NewEntry, StoredEntry } from './event-store.port.js';

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
  readonly onForeignWrite: 'stop' | 'follow';
  /** Entries that may wait for the append under way. */
  readonly queueLimit?: number;
  /** Called when an append has to be tried again, with the reason's name. */
  readonly onRetry?: (reason: string) => void;
}

interface Waiting {
  readonly entries: readonly NewEntry[];
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: unknown) => void;
}

/** After these a lane takes nothing any more; any other failure is that of the entries. */
const LOST = [LaneTakenOver, LaneClosed, StoreRefused];
const ENTRIES_AN_APPEND = 1000;
// How fast the lane forgets that a group was too large for the store.
const GROWTH = 10;
const LONGEST_PAUSE_MS = 2000;

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
  private queued = 0;
  /** So many entries of several callers go into one append: what the store took of late, since serializing twice costs. */
  private groupSize = ENTRIES_AN_APPEND;
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
    const end = await lastEntry(store, name);
    return new Lane(store, name, options, end, end?.revision ?? -1);
  }

  /** The lane's last entry as it was when the lane was taken up; null when the lane was empty. */
  get endAtOpening(): StoredEntry | null {
    return this.end;
  }

  /** Why the lane takes nothing any more, or null. */
  get failure(): Error | null {
    return this.stopped;
  }

  /**
   * Appends entries behind all that was handed over before, and returns once they are durable. They stay together and in order;
   * a batch over the store's limit is split over several appends.
   *
   * @throws LaneTakenOver  another writer has the lane; this one has stopped for good
   * @throws LaneBusy       too many entries wait already; none of these is stored
   * @throws LaneClosed     the process is stopping; none of these is stored
   */
  append(entries: readonly NewEntry[]): Promise<AppendResult> {
    if (this.stopped !== null) return Promise.reject(this.stopped);
    if (this.closing) return Promise.reject(new LaneClosed(`lane ${this.name} is being closed`));
    if (this.queued > (this.options.queueLimit ?? 50_000)) {
      return Promise.reject(new LaneBusy(`${this.queued} entries wait for lane ${this.name}`));
    }
    return new Promise((resolve, reject) => {
      this.queue.push({ entries, resolve, reject });
      this.queued += entries.length;
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
      let size = 0;
      while (this.queue.length > 0 && (group.length === 0 || size + this.queue[0]!.entries.length <= this.groupSize)) {
        const next = this.queue.shift()!;
        group.push(next);
        size += next.entries.length;
      }
      this.queued -= size;
      await this.writeGroup(group, size);
    }
    // In the same turn as the look at the queue: whoever was just answered may hand over the next entries at once.
    this.writing = null;
  }

  private async writeGroup(group: readonly Waiting[], size: number): Promise<void> {
    try {
      const last = await this.storeInParts(group.flatMap((waiting) => waiting.entries));
      // Each caller is told the place of its own last entry; positions inside one append rise with it, and a caller only
      // needs one that is not before its own.
      let revision = last.revision - size;
      for (const waiting of group) {
        revision += waiting.entries.length;
        waiting.resolve({ revision, position: last.position });
      }
    } catch (error) {
      const lost = LOST.some((kind) => error instanceof kind);
      if (!lost && group.length > 1) {
        // Somebody's entries cannot be written at all. That is no matter of the others, nor of the lane.
        for (const waiting of group) await this.writeGroup([waiting], waiting.entries.length);
        return;
      }
      for (const waiting of group) waiting.reject(error);
      if (lost) this.stop(error as Error);
    }
  }

  private stop(reason: Error): void {
    this.stopped ??= reason;
    for (const waiting of this.queue.splice(0)) waiting.reject(this.stopped);
    this.queued = 0;
  }

  /** Stores a run of entries, in halves where the store takes less at once. */
  private async storeInParts(entries: readonly NewEntry[]): Promise<AppendResult> {
    try {
      const result = await this.settle(entries);
      this.groupSize = Math.min(ENTRIES_AN_APPEND, this.groupSize + GROWTH);
      return result;
    } catch (error) {
      if (!(error instanceof AppendTooLarge) || entries.length < 2) throw error;
      this.groupSize = Math.ceil(entries.length / 2);
      const middle = Math.ceil(entries.length / 2);
      // A crash between the halves leaves the first: whoever sends the rest again finds it by the lane's end.
      await this.storeInParts(entries.slice(0, middle));
      return this.storeInParts(entries.slice(middle));
    }
  }

  /** Appends until it is known that the entries are stored, or that they cannot be. */
  private async settle(entries: readonly NewEntry[]): Promise<AppendResult> {
    for (let attempt = 0; ; attempt++) {
      try {
        const result = await this.store.append(this.name, entries, this.revision === -1 ? 'no_stream' : this.revision);
        this.revision = result.revision;
        return result;
      } catch (error) {
        if (error instanceof WrongExpectedRevision) {
          if (this.options.onForeignWrite === 'stop') {
            throw new LaneTakenOver(`lane ${this.name} has another writer; this one stops`, { cause: error });
          }
          this.revision = error.actual;
        } else if (error instanceof OutcomeUnknown) {
          const stored = await this.findStored(entries);
          if (stored !== null) return stored;
        } else if (!(error instanceof StoreUnavailable)) {
          throw error;
        }
        if (this.stopped !== null) throw this.stopped;
        this.options.onRetry?.((error as Error).name);
        await pause(Math.min(LONGEST_PAUSE_MS, 20 * 2 ** Math.min(attempt, 10)));
      }
    }
  }

  /**
   * Whether the last of these entries lies behind what this writer knows of: then all are stored, whoever has written behind
   * them since. Waits until the lane can be read.
   */
  private async findStored(entries: readonly NewEntry[]): Promise<AppendResult | null> {
    const { id } = entries.at(-1)!;
    for (let attempt = 0; ; attempt++) {
      try {
        for await (const entry of this.store.readStream(this.name, { from: this.revision + 1 })) {
          if (entry.id !== id) continue;
          this.revision = entry.revision;
          return { revision: entry.revision, position: entry.position };
        }
        return null;
      } catch (error) {
        if (error instanceof StreamNotFound) return null;
        if (this.stopped !== null) throw this.stopped;
        await pause(Math.min(LONGEST_PAUSE_MS, 20 * 2 ** Math.min(attempt, 10)));
      }
    }
  }
}

async function lastEntry(store: EventStore, lane: string): Promise<StoredEntry | null> {
  try {
    for await (const entry of store.readStream(lane, { direction: 'backwards', limit: 1 })) return entry;
    return null;
  } catch (error) {
    if (error instanceof StreamNotFound) return null;
    throw error;
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}

import {
  AppendTooLarge,
  OutcomeUnknown,
  StoreFull,
  StoreRefused,
  StoreUnavailable,
  type AppendResult,
  type EventStore,
  type ExpectedRevision,
  type NewEntry,
  type EntryText,
  type StoredEntry,
  type WrittenEntry,
} from '@sijill/event-store';

/** How an append goes wrong: before it is stored or after, so that its outcome is unknown; refused for now, or for want of room; refused for good. */
export type StoreFault = 'fail before' | 'fail after' | 'unavailable' | 'full' | 'refuse';

/** A real store whose appends can be made to go wrong before or after they are stored. */
export class FaultyStore implements EventStore {
  readonly kind: EventStore['kind'];
  /** One for each append to come, in order; null for one that goes well. */
  faults: (StoreFault | null)[] = [];
  appends = 0;
  /** Entries that one append may hold. */
  limit = Number.MAX_SAFE_INTEGER;

  constructor(protected readonly real: EventStore) {
    this.kind = real.kind;
  }

  async append(
    stream: string,
    batch: readonly (NewEntry | WrittenEntry)[],
    expected: ExpectedRevision,
  ): Promise<AppendResult> {
    this.appends++;
    if (batch.length > this.limit) throw new AppendTooLarge(this.limit);
    const fault = this.faults.shift();
    if (fault === 'fail before') throw new OutcomeUnknown('connection lost');
    if (fault === 'unavailable') throw new StoreUnavailable('away');
    if (fault === 'full') throw new StoreFull('no room');
    if (fault === 'refuse') throw new StoreRefused('no rights');
    const result = await this.real.append(stream, batch, expected);
    if (fault === 'fail after') throw new OutcomeUnknown('connection lost');
    return result;
  }

  readStream(...args: Parameters<EventStore['readStream']>): AsyncIterable<StoredEntry> {
    return this.real.readStream(...args);
  }
  readAll(...args: Parameters<EventStore['readAll']>): AsyncIterable<StoredEntry[]> {
    return this.real.readAll(...args);
  }
  head(): Promise<number> {
    return this.real.head();
  }
  subscribeToAll(...args: Parameters<EventStore['subscribeToAll']>): AsyncIterable<StoredEntry[]> {
    return this.real.subscribeToAll(...args);
  }
  readTexts(...args: Parameters<EventStore['readTexts']>): AsyncIterable<EntryText[]> {
    return this.real.readTexts(...args);
  }
  followTexts(...args: Parameters<EventStore['followTexts']>): AsyncIterable<EntryText[]> {
    return this.real.followTexts(...args);
  }
  close(): Promise<void> {
    return this.real.close();
  }
}

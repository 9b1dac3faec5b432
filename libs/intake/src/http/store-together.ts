import type { EventKey } from '../entry-catalogue.js';
import type { ArrivedEvent, EntryMaker, Made, MadeEntry } from '../entry-maker.js';
import type { SeenEvents } from '../seen-events.js';
import type { HttpLane } from './http-lane.js';

/** What became of one event. */
export type Outcome =
  { readonly entries: readonly MadeEntry[]; readonly duplicate: boolean } | Exclude<Made, { entries: unknown }>;

/**
 * What became of a caller's events, in their order, with the hashes of the leaves of all entries that they became, in hex; and the
 * position of the last entry: 0 when there is none.
 */
export interface StoredTogether {
  readonly outcomes: readonly Outcome[];
  readonly leafHashes: readonly string[];
  readonly position: number;
}

const NOTHING: Pick<StoredTogether, 'leafHashes' | 'position'> = { leafHashes: [], position: 0 };

interface Waiting {
  readonly events: readonly ArrivedEvent[];
  readonly resolve: (stored: StoredTogether) => void;
  readonly reject: (error: unknown) => void;
}

// Enough to share the cost of a look into vault and read models; more would only make the first callers wait.
const EVENTS_A_GROUP = 500;

/**
 * Stores events of many callers in groups: those that come while a group is being made ready share the next one's look into the
 * vault, its question to the read models, and its commits. Sixteen senders of single events cost a fraction of sixteen.
 *
 * Groups are made ready one after the other, in order. The lane syncs one while the next is made ready.
 */
export class StoreTogether {
  private readonly queue: Waiting[] = [];
  private running = false;

  constructor(
    private readonly lane: Pick<HttpLane, 'append'>,
    private readonly maker: EntryMaker,
    private readonly seen: SeenEvents,
  ) {}

  /** Stores all of a caller's events, but those that cannot be written, or none of them, and returns once they are durable. */
  store(events: readonly ArrivedEvent[]): Promise<StoredTogether> {
    return new Promise((resolve, reject) => {
      const caller = { events, resolve, reject };
      // More than a group is no group: made ready by itself, slice by slice, it does not keep small callers waiting.
      if (events.length > EVENTS_A_GROUP) return void this.makeReady([caller]);
      this.queue.push(caller);
      if (!this.running) void this.run();
    });
  }

  private async run(): Promise<void> {
    this.running = true;
    // Callers of the same turn of the event loop belong into one group.
    await Promise.resolve();
    while (this.queue.length > 0) {
      const group: Waiting[] = [];
      let size = 0;
      while (this.queue.length > 0 && (group.length === 0 || size + this.queue[0]!.events.length <= EVENTS_A_GROUP)) {
        const next = this.queue.shift()!;
        group.push(next);
        size += next.events.length;
      }
      await this.makeReady(group);
    }
    this.running = false;
  }

  /** Returns when the group is handed to the lane; its callers are answered when it is durable. */
  private async makeReady(group: readonly Waiting[]): Promise<void> {
    const events = group.flatMap((waiting) => waiting.events);
    try {
      const made: Made[] = [];
      for (let from = 0; from < events.length; from += EVENTS_A_GROUP) {
        // Between slices other work gets its turn: one caller may bring ten thousand events.
        if (from > 0) await new Promise((resolve) => setImmediate(resolve));
        made.push(...(await this.maker.make(events.slice(from, from + EVENTS_A_GROUP))));
      }
      const keys = made.flatMap((each) => ('entries' in each ? [each.event] : []));
      const duplicates = (await this.seen.claim(keys)).values();
      const outcomes = made.map((each): Outcome =>
        'entries' in each ? { entries: each.entries, duplicate: duplicates.next().value! } : each,
      );
      void this.append(group, outcomes, keys);
    } catch (error) {
      if (group.length === 1) group[0]!.reject(error);
      // Whose events made it fail is not known; each caller's are tried by themselves.
      else for (const waiting of group) await this.makeReady([waiting]);
    }
  }

  private async append(
    group: readonly Waiting[],
    outcomes: readonly Outcome[],
    keys: readonly EventKey[],
  ): Promise<void> {
    try {
      const entries = entriesOf(outcomes);
      const { position, leafHashes } = entries.length === 0 ? NOTHING : await this.lane.append(entries);
      await this.seen.stored(keys, position);
      let [next, leaf] = [0, 0];
      for (const { events, resolve } of group) {
        const own = outcomes.slice(next, (next += events.length));
        const leaves = leafHashes.slice(leaf, (leaf += entriesOf(own).length));
        resolve({ outcomes: own, leafHashes: leaves, position });
      }
    } catch (error) {
      this.seen.release(keys);
      for (const { reject } of group) reject(error);
    }
  }
}

function entriesOf(outcomes: readonly Outcome[]): MadeEntry[] {
  return outcomes.flatMap((outcome) => ('entries' in outcome ? outcome.entries : []));
}

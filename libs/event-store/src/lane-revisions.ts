import { LaneGap } from './errors.js';
import type { Place } from './event-store.port.js';

/**
 * Sees to it that every lane is read whole, by whoever reads the order of all entries: in each lane the revisions rise by one.
 *
 * What a reader in the middle can say is as good as the ends that it is given. Of a lane without one it takes the first entry that it
 * meets as it comes.
 */
export class LaneRevisions {
  private readonly ends: Map<string, number>;

  /**
   * @param ends      the last revision of each lane before the reading begins
   * @param areAll    whether a lane that is not among them has no entry yet
   */
  constructor(
    ends: Iterable<readonly [lane: string, revision: number]>,
    private readonly areAll: boolean,
  ) {
    this.ends = new Map(ends);
  }

  /** The last revision of each lane that is known by now. */
  get known(): Iterable<readonly [lane: string, revision: number]> {
    return this.ends;
  }

  /**
   * Takes entries in the order of the store. What was taken before is passed over.
   *
   * @returns the ends that they have moved
   * @throws LaneGap nothing of these is taken
   */
  take(entries: Iterable<Pick<Place, 'stream' | 'revision'>>): ReadonlyMap<string, number> {
    const moved = new Map<string, number>();
    for (const { stream, revision } of entries) {
      const end = moved.get(stream) ?? this.ends.get(stream) ?? (this.areAll ? -1 : revision - 1);
      if (revision <= end) continue;
      if (revision > end + 1) throw new LaneGap(stream, end + 1, revision - 1);
      moved.set(stream, revision);
    }
    for (const [lane, revision] of moved) this.ends.set(lane, revision);
    return moved;
  }
}

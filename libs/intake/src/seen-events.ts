import type { EntryCatalogue, EventKey } from './entry-catalogue.js';

// About 20 MB of names.
const MOST_REMEMBERED = 200_000;

/**
 * Tells whether an event was accepted before: by the read models, and for the moments that they are behind by the memory of
 * what this process has accepted since. The word goes to the sender only; which entry counts is decided by the order of the
 * store, in the projection, so a lost memory can never double a history.
 */
export class SeenEvents {
  /** Event → the store position at which it is durable; null while its append is under way. In order of arrival. */
  private readonly recent = new Map<string, number | null>();

  constructor(private readonly catalogue: EntryCatalogue) {}

  /** Claims the events for this caller and says which are repeats. A claim is confirmed by `stored` or undone by `release`. */
  async claim(keys: readonly EventKey[]): Promise<boolean[]> {
    const mine: number[] = [];
    const seen = keys.map((key, i) => {
      const name = nameOf(key);
      if (this.recent.has(name)) return true;
      this.recent.set(name, null);
      mine.push(i);
      return false;
    });
    try {
      const known = await this.catalogue.known(mine.map((i) => keys[i]!));
      mine.forEach((i, k) => (seen[i] = known[k]!));
    } catch (error) {
      this.release(mine.map((i) => keys[i]!));
      throw error;
    }
    return seen;
  }

  /** Which of the events were stored before, as far as the read models know. Claims nothing. */
  known(keys: readonly EventKey[]): Promise<boolean[]> {
    return this.catalogue.known(keys);
  }

  /** Never fails: the events are durable, and that is what their sender must hear. */
  async stored(keys: readonly EventKey[], position: number): Promise<void> {
    for (const key of keys) {
      const name = nameOf(key);
      if (this.recent.get(name) === null) this.recent.set(name, position);
    }
    const projected = await this.catalogue.position().catch(() => 0);
    for (const [name, at] of this.recent) {
      if (at === null) continue;
      // A projection that stands still must not let the memory grow for ever; what is forgotten is only the sender's word.
      if (at > projected && this.recent.size < MOST_REMEMBERED) break;
      this.recent.delete(name);
    }
  }

  release(keys: readonly EventKey[]): void {
    for (const key of keys) if (this.recent.get(nameOf(key)) === null) this.recent.delete(nameOf(key));
  }
}

function nameOf(key: EventKey): string {
  return `${key.generation} ${key.tag}`;
}

import { LRUCache } from 'lru-cache';
import { holds } from './interval.js';
import type { Binding } from './picture.js';

/** To whom an identifier leads, in one interval. */
export type Owned = Pick<Binding, 'since' | 'until' | 'subjectId'>;

/**
 * What a process remembers of the directory. Only what stays true while the epoch does: an interval that has an owner keeps it, and who
 * is one person stays one. Whoever finds nothing here, or two who are not one, asks the database.
 */
export class KnownPeople {
  private epoch = -1;
  private readonly owners: LRUCache<string, readonly Owned[]>;
  private readonly persons: LRUCache<string, string>;

  constructor(people: number) {
    this.owners = new LRUCache({ max: 2 * people });
    this.persons = new LRUCache({ max: people });
  }

  /** Forgets what was true before this epoch. @returns whether what is remembered is of this epoch, and not of a later one */
  isOf(epoch: number): boolean {
    if (epoch > this.epoch) {
      this.owners.clear();
      this.persons.clear();
      this.epoch = epoch;
    }
    return epoch === this.epoch;
  }

  ownerAt(index: string, at: number): string | undefined {
    return ownerIn(this.owners.get(index), at);
  }

  personOf(subjectId: string): string | undefined {
    return this.persons.get(subjectId);
  }

  /** @param epoch that was in force when these were read and at a later look; of an earlier one than now, they are not kept */
  remember(
    epoch: number,
    owners: Iterable<readonly [string, readonly Owned[]]>,
    persons: Iterable<readonly [string, string]>,
  ): void {
    if (epoch !== this.epoch) return;
    for (const [index, owned] of owners) this.owners.set(index, owned);
    for (const [subjectId, personId] of persons) this.persons.set(subjectId, personId);
  }
}

export function ownerIn(owned: readonly Owned[] | undefined, at: number): string | undefined {
  return owned?.find((interval) => holds(interval, at))?.subjectId;
}

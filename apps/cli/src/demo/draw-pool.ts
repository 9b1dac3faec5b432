import type { SeededRandom } from './seeded-random.js';

/** A changing set from which members are drawn by chance; adding, removing and drawing take constant time. */
export class DrawPool<T> {
  private readonly members: T[] = [];
  private readonly places = new Map<T, number>();

  get size(): number {
    return this.members.length;
  }

  has(member: T): boolean {
    return this.places.has(member);
  }

  add(member: T): void {
    if (this.places.has(member)) return;
    this.places.set(member, this.members.length);
    this.members.push(member);
  }

  remove(member: T): void {
    const place = this.places.get(member);
    if (place === undefined) return;
    const last = this.members.pop() as T;
    this.places.delete(member);
    if (last === member) return;
    this.members[place] = last;
    this.places.set(last, place);
  }

  /** A member by chance, or undefined of an empty pool. */
  draw(random: SeededRandom): T | undefined {
    return this.size === 0 ? undefined : random.pick(this.members);
  }
}

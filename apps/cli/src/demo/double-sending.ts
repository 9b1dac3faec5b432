import type { DemoEvent } from './demo-event.js';
import type { SeededRandom } from './seeded-random.js';

export const REPEATS = 20;
export const CONFLICTS = 1;

/**
 * Producers that send an event again: twenty send the very same one, half of them at once and half of them much later, and
 * one changes an event that it has already sent.
 */
export class DoubleSending {
  private readonly repeated = new Set<number>();
  private waiting: { readonly after: number; readonly event: DemoEvent }[] = [];
  private toBeChanged: DemoEvent | null = null;
  private conflictSent = false;
  private sent = 0;

  /** @param total how many events there are without the doubles */
  constructor(
    private readonly total: number,
    private readonly random: SeededRandom,
  ) {
    while (this.repeated.size < Math.min(REPEATS, total)) this.repeated.add(random.integer(0, total));
  }

  /** Takes note of an event that is sent for the first time; answers with what is sent again right after it. */
  after(event: DemoEvent): readonly DemoEvent[] {
    const place = this.sent++;
    if (this.repeated.has(place)) {
      const delay = this.random.chance(0.5) ? 0 : this.random.integer(20, 400);
      this.waiting.push({ after: place + delay, event });
    }
    const conflict = event.source === '/otp/service' ? this.conflictAt(place, event) : [];
    if (this.waiting.length === 0) return conflict;
    const last = this.sent === this.total;
    const due = this.waiting.filter((waiting) => last || waiting.after <= place);
    this.waiting = this.waiting.filter((waiting) => !due.includes(waiting));
    return [...due.map((waiting) => waiting.event), ...conflict];
  }

  /** One of the first half of the month comes back, changed, in the second. */
  private conflictAt(place: number, event: DemoEvent): DemoEvent[] {
    const first = this.toBeChanged;
    if (first === null) {
      if (place >= this.total / 4) this.toBeChanged = event;
      return [];
    }
    if (this.conflictSent || place < this.total / 2) return [];
    this.conflictSent = true;
    return [{ ...first, time: event.time, data: { ...first.data, method: 'portal', occasion: 'once' } }];
  }
}

import { seeded } from '../../support/seeded.js';

/** All that is left to chance in a run, out of its seed. */
export class Chance {
  private readonly next: () => number;

  constructor(seed: number) {
    this.next = seeded(seed);
  }

  /** True so often, in [0, 1]. */
  of(probability: number): boolean {
    return this.next() < probability;
  }

  /** An integer in [from, to]. */
  between(from: number, to: number): number {
    return from + Math.floor(this.next() * (to - from + 1));
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.next() * list.length)]!;
  }

  /** Milliseconds: mostly short, at times long. */
  delay(long = 3_000): number {
    return this.of(0.9) ? this.between(1, 30) : this.between(30, long);
  }

  wait(ms: number): Promise<void> {
    return new Promise((resolve) => setTimeout(resolve, ms));
  }
}

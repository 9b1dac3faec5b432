import { createHash } from 'node:crypto';

/** Chance that can be replayed: the same seed text gives the same draws on every machine (sfc32). Not for secrets. */
export class SeededRandom {
  private readonly state: Int32Array;

  constructor(seed: string) {
    const digest = createHash('sha256').update(seed).digest();
    this.state = Int32Array.from({ length: 4 }, (_, i) => digest.readInt32LE(i * 4));
  }

  /** The next 32 bits, as an unsigned integer. */
  bits(): number {
    const [a = 0, b = 0, c = 0, counter = 0] = this.state;
    const sum = (((a + b) | 0) + counter) | 0;
    this.state[0] = b ^ (b >>> 9);
    this.state[1] = (c + (c << 3)) | 0;
    this.state[2] = (((c << 21) | (c >>> 11)) + sum) | 0;
    this.state[3] = (counter + 1) | 0;
    return sum >>> 0;
  }

  /** In [0, 1). */
  fraction(): number {
    return this.bits() / 0x1_0000_0000;
  }

  /** An integer in [from, to). */
  integer(from: number, to: number): number {
    return from + Math.floor(this.fraction() * (to - from));
  }

  chance(probability: number): boolean {
    return this.fraction() < probability;
  }

  /** @throws RangeError when there is nothing to pick from */
  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new RangeError('nothing to pick from');
    return from[this.integer(0, from.length)] as T;
  }

  /** The same items in another order. */
  shuffled<T>(items: readonly T[]): T[] {
    const copy = [...items];
    for (let i = copy.length - 1; i > 0; i--) {
      const k = this.integer(0, i + 1);
      [copy[i], copy[k]] = [copy[k] as T, copy[i] as T];
    }
    return copy;
  }

  /** Lower-case hexadecimal digits. */
  hex(digits: number): string {
    let text = '';
    while (text.length < digits) text += this.bits().toString(16).padStart(8, '0');
    return text.slice(0, digits);
  }
}

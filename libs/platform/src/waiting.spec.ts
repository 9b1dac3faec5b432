import { setTimeout as pause } from 'node:timers/promises';
import { backOff, within } from './waiting.js';

describe('back-off', () => {
  it('doubles from the first wait up to the longest, whatever the attempt', () => {
    const waits = [0, 1, 2, 3, 4, 5_000].map((attempt) => backOff(attempt, { first: 20, longest: 200 }));
    expect(waits).toEqual([20, 40, 80, 160, 200, 200]);
  });
});

describe('within a time', () => {
  const late = (): never => {
    throw new Error('late');
  };

  it('gives the answer or its failure', async () => {
    expect(await within(1_000, Promise.resolve('answer'), late)).toBe('answer');
    await expect(within(1_000, Promise.reject(new Error('failed')), late)).rejects.toThrow('failed');
  });

  it('gives or throws what is said of a late one, whose own end disturbs nobody', async () => {
    let fail: (error: Error) => void = () => undefined;
    const failing = new Promise<never>((_, reject) => (fail = reject));
    expect(await within(5, failing, () => null)).toBe(null);
    await expect(within(5, failing, late)).rejects.toThrow('late');
    fail(new Error('nobody asks'));
    await pause(20);
  });
});

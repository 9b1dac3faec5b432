import type { SignedCheckpoint } from '../log-store.js';
import { LogReach } from './log-reach.js';

describe('how far a log is behind its store', () => {
  let [now, head, position] = [0, 0, 0];
  let reach: LogReach;
  beforeEach(() => {
    [now, head, position] = [1_000, 5, 0];
    const published = (): Promise<SignedCheckpoint | null> =>
      Promise.resolve(position === 0 ? null : ({ size: 10 * position, position } as SignedCheckpoint));
    reach = new LogReach({ head: () => Promise.resolve(head) }, { clock: { now: () => now }, published });
  });
  const behind = async (changed: Partial<{ now: number; head: number; position: number }>): Promise<number> => {
    ({ now = now, head = head, position = position } = changed);
    await reach.look();
    return reach.behindMs();
  };

  it('is not known before the log has come to where the store was seen to end', async () => {
    expect(reach.behindMs()).toBe(Infinity);
    expect(reach.head).toEqual({ size: 0, position: 0 });
    expect(await behind({})).toBe(Infinity);
    expect(await behind({ now: 1_500, position: 4 })).toBe(Infinity);
    expect(reach.head).toMatchObject({ size: 40, position: 4 });
    expect(await behind({ now: 2_000, position: 5 })).toBe(0);
  });

  it('is as long ago as the store ended where the log is now, however fast both grow', async () => {
    expect(await behind({ position: 5 })).toBe(0);
    // Each second ten events, and the log two seconds behind: it is never seen at the end.
    for (let second = 1; second <= 20; second++) {
      const lag = await behind({ now: 1_000 + 1_000 * second, head: 5 + 10 * second, position: 5 + 10 * (second - 2) });
      if (second > 2) expect([2_000, 3_000]).toContain(lag);
    }
  });

  it('grows while the log stands still and the store does not, and not while there is nothing to do', async () => {
    expect(await behind({ position: 5 })).toBe(0);
    expect(await behind({ now: 61_000 })).toBe(0);
    expect(await behind({ now: 62_000, head: 6 })).toBe(1_000);
    expect(await behind({ now: 72_000, head: 900 })).toBe(11_000);
    // It signs again, and has still much before it.
    expect(await behind({ now: 73_000, head: 901, position: 6 })).toBe(11_000);
    expect(await behind({ now: 74_000, head: 901, position: 901 })).toBe(0);
  });
});

import { WrongUse } from '../exit-codes.js';
import { parsePastTime } from './identifier.js';

describe('a time that is over', () => {
  it('is an instant, in whatever zone', () => {
    expect(parsePastTime('--as-of', undefined)).toBeNull();
    for (const text of ['2026-07-01T12:00:00Z', '2026-07-01T15:00:00+03:00'])
      expect(parsePastTime('--as-of', text)).toBe(Date.UTC(2026, 6, 1, 12));
  });

  it.each([
    'yesterday',
    '2026-07-01',
    '2026-02-30T12:00:00Z',
    '2026-07-01T12:00:00',
    '2026-07-01T24:00:00Z',
    new Date(Date.now() + 60_000).toISOString(),
  ])('is not %s', (text) => {
    expect(() => parsePastTime('--as-of', text)).toThrow(WrongUse);
    expect(() => parsePastTime('--as-of', text)).toThrow('--as-of takes a time that is over');
  });
});

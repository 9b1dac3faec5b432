import { parseInstant } from './instant.js';

describe('a time that somebody names', () => {
  it.each([
    ['2026-07-01', '2026-07-01T00:00:00.000Z'],
    ['2026-07-01T03:00:00+03:00', '2026-07-01T00:00:00.000Z'],
    ['2026-07-01t00:00:00.1239999z', '2026-07-01T00:00:00.123Z'],
    ['2024-02-29', '2024-02-29T00:00:00.000Z'],
    ['9999-12-31T23:59:59Z', '9999-12-31T23:59:59.000Z'],
  ])('%s is %s', (text, instant) => {
    expect(parseInstant(text)).toBe(instant);
  });

  it.each([
    '2026-02-30',
    '2026-13-01',
    '2026-07-01T24:00:00Z',
    '2026-07-01T00:00:00',
    'yesterday',
    '',
    '9999-12-31T23:59:59-23:59',
  ])('%s is none', (text) => {
    expect(parseInstant(text)).toBeNull();
  });
});

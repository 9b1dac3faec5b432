import { validate, version } from 'uuid';
import { clockOf, newEntryId } from './clock.js';

describe('entry ids', () => {
  it('are UUIDs of version 7, each once, in the order in which they are made', () => {
    const began = Date.now();
    const ids = Array.from({ length: 50_000 }, newEntryId);
    expect(ids.every((id) => validate(id) && version(id) === 7)).toBe(true);
    expect(new Set(ids).size).toBe(ids.length);
    expect([...ids].sort()).toEqual(ids);
    const milliseconds = Number.parseInt(ids[0]!.replace('-', '').slice(0, 12), 16);
    expect(milliseconds).toBeGreaterThanOrEqual(began);
    expect(milliseconds).toBeLessThanOrEqual(Date.now());
  });
});

describe('the clock of a ledger', () => {
  it('is ahead of the machine’s by what the configuration says; ids of entries are not', () => {
    const began = Date.now();
    const ahead = clockOf({ clockAheadMs: 3_600_000 }).now() - began;
    expect(ahead).toBeGreaterThanOrEqual(3_600_000);
    expect(ahead).toBeLessThan(3_660_000);
    expect(clockOf({ clockAheadMs: 0 }).now() - began).toBeLessThan(60_000);
    expect(Number.parseInt(newEntryId().replace('-', '').slice(0, 12), 16) - began).toBeLessThan(60_000);
  });
});

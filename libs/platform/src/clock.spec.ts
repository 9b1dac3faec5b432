import { validate, version } from 'uuid';
import { newEntryId } from './clock.js';

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

import { signingKey, verifierKey, type VerifierKey } from '@sijill/transparency';
import { announce, inForce, KeyChangeRefused, type LogKey, type PlacedAnnouncement } from './log-key.js';

const keyOf = (generation: number, name = 'log.example'): VerifierKey =>
  verifierKey(name, 'ed25519', signingKey(new Uint8Array(32).fill(generation)).publicKey);
const announced = (
  what: PlacedAnnouncement['what'],
  generation: number,
  position: number,
  key = keyOf(generation),
): PlacedAnnouncement => ({ what, generation, key, announcedAt: '2026-11-25T10:00:00.000Z', position });
const first = announced('introduced', 1, 1);
const after = (...changes: PlacedAnnouncement[]): readonly LogKey[] => [first, ...changes].reduce(announce, []);
const generations = (keys: readonly LogKey[], position?: number): number[] =>
  inForce(keys, position).map(({ generation }) => generation);

describe('the keys of a log', () => {
  const rotated = [announced('introduced', 2, 10), announced('retired', 1, 20), announced('introduced', 3, 30)];

  it('are in force from the entry that introduces them to the one that retires them', () => {
    const keys = after(...rotated);
    expect([0, 1, 9, 10, 19, 20, 29, 30, 99].map((position) => generations(keys, position))).toEqual([
      [],
      [1],
      [1],
      [1, 2],
      [1, 2],
      [2],
      [2],
      [2, 3],
      [2, 3],
    ]);
    expect(generations(keys)).toEqual([2, 3]);
    expect(generations(after())).toEqual([1]);
  });

  it('may go back to the one from before, and count on', () => {
    const back = after(announced('introduced', 2, 10), announced('retired', 2, 20));
    expect(generations(back)).toEqual([1]);
    expect(() => announce(back, announced('introduced', 2, 30))).toThrow(KeyChangeRefused);
    expect(generations(announce(back, announced('introduced', 3, 30)))).toEqual([1, 3]);
  });

  it.each([
    ['the last one cannot be retired', [], announced('retired', 1, 40)],
    ['nor one that was', rotated.slice(0, 2), announced('retired', 1, 40)],
    ['nor one that never was', rotated, announced('retired', 4, 40)],
    ['nor one under the number of another', rotated, announced('retired', 3, 40, keyOf(2))],
    ['no generation is introduced twice', rotated.slice(0, 2), announced('introduced', 2, 40)],
    ['none is left out', [], announced('introduced', 3, 40)],
    ['no key comes back under another number', rotated.slice(0, 2), announced('introduced', 3, 40, keyOf(1))],
    ['none is introduced beside two', rotated, announced('introduced', 4, 40)],
    ['none is that of another log', [], announced('introduced', 2, 40, keyOf(2, 'other.example'))],
  ] as const)('%s', (_, changes, wrong) => {
    const keys = after(...changes);
    expect(() => announce(keys, wrong)).toThrow(KeyChangeRefused);
  });

  it.each([
    ['a key that is retired', announced('retired', 1, 1)],
    ['the second key', announced('introduced', 2, 1)],
  ])('do not begin with %s', (_, wrong) => expect(() => announce([], wrong)).toThrow(KeyChangeRefused));
});

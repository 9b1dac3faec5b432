import { LaneGap } from './errors.js';
import { LaneRevisions } from './lane-revisions.js';

const at = (stream: string, ...revisions: number[]) => revisions.map((revision) => ({ stream, revision }));

describe('the revisions of lanes', () => {
  it('rise by one in each lane, and are told as they move', () => {
    const lanes = new LaneRevisions([], true);
    expect(lanes.take([...at('a', 0, 1), ...at('b', 0), ...at('a', 2)])).toEqual(
      new Map([
        ['a', 2],
        ['b', 0],
      ]),
    );
    expect(lanes.take([...at('a', 1, 2), ...at('b', 1)])).toEqual(new Map([['b', 1]]));
  });

  it.each([
    ['in the middle', [], true, at('a', 0, 1, 5), [2, 4], 0],
    ['at the beginning', [], true, at('a', 2), [0, 1], 0],
    ['behind an end that was known', [['a', 3]], false, at('a', 5), [4, 4], 4],
  ] as const)('are missed %s', (_, ends, areAll, entries, [first, last], next) => {
    const lanes = new LaneRevisions(ends, areAll);
    const missed = (() => {
      try {
        return lanes.take(entries);
      } catch (error) {
        return error;
      }
    })();
    expect(missed).toBeInstanceOf(LaneGap);
    expect(missed).toMatchObject({ stream: 'a', first, last });
    // Nothing of them was taken.
    expect(lanes.take(at('a', next))).toEqual(new Map([['a', next]]));
  });

  it('are taken as they come of a lane whose end is not known', () => {
    const lanes = new LaneRevisions([['a', 1]], false);
    lanes.take(at('b', 7));
    expect(() => lanes.take(at('b', 9))).toThrow(LaneGap);
  });
});

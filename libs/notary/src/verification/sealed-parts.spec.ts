import { sealedHash } from '@sijill/event-store';
import { canonicalJson } from '@sijill/transparency';
import fc from 'fast-check';
import { brokenSeal } from './sealed-parts.js';

type Parts = Readonly<Record<string, string>>;

const BEGIN = `,"~":{"by":"a/1","mac":"${'m'.repeat(43)}"`;
const besideOf = (parts: Parts): string =>
  Object.keys(parts).length === 0 ? `${BEGIN}}}` : `${BEGIN},"sealed":${canonicalJson(parts)}}}`;
const leafOf = (parts: Parts, more: object = {}): string => {
  const hashes = Object.fromEntries(Object.entries(parts).map(([part, text]) => [part, sealedHash(text)]));
  const data = { a: 'ة', ...more, ...(Object.keys(parts).length === 0 ? {} : { sealed: hashes }) };
  return `\u0000${canonicalJson({ data, id: 'i', lane: 'ledger-a', metadata: { format: 2 }, revision: 3, type: 't' })}`;
};
/** As they stand among others, in bytes. */
const judged = (leaf: string, beside: string): string | null => {
  const around = leafOf({ subject: 'other' });
  const [leaves, stored] = [
    Buffer.from(around + leaf + around),
    Buffer.from(`${besideOf({})}${beside}${besideOf({})}`),
  ];
  const from = Buffer.byteLength(around);
  const at = besideOf({}).length;
  return brokenSeal(leaves, [from, from + Buffer.byteLength(leaf)], stored, [at, at + Buffer.byteLength(beside)]);
};

const jwe = fc.stringMatching(/^[\w.-]{1,80}$/);
const parts = fc.dictionary(fc.constantFrom('subject', 'staff', 'shared', 'ledger', 'quarantine'), jwe);

describe('what is stored beside a leaf', () => {
  it('is taken when its sealed parts are those whose hashes the leaf has', () => {
    fc.assert(fc.property(parts, (sealed) => expect(judged(leafOf(sealed), besideOf(sealed))).toBeNull()));
    expect(judged(leafOf({}, { nested: { sealed: { a: 1 } }, text: '"sealed":{' }), besideOf({}))).toBeNull();
    const nested = { before: { sealed: { x: 'y' } } };
    expect(judged(leafOf({ staff: 'a.b' }, nested), besideOf({ staff: 'a.b' }))).toBeNull();
  });

  it('is refused when they are others, however they are changed', () => {
    const change = fc.tuple(fc.nat(), fc.integer({ min: 32, max: 126 }));
    fc.assert(
      fc.property(parts, change, (sealed, [at, to]) => {
        const beside = besideOf(sealed);
        const place = BEGIN.length + (at % (beside.length - BEGIN.length));
        const changed = beside.slice(0, place) + String.fromCharCode(to) + beside.slice(place + 1);
        if (changed !== beside) expect(judged(leafOf(sealed), changed)).not.toBeNull();
      }),
      { numRuns: 500 },
    );
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        const same = canonicalJson(one) === canonicalJson(other);
        expect(judged(leafOf(one), besideOf(other)) === null).toBe(same);
      }),
    );
  });

  it.each(['', ',"~":{}}', ',"~":{"sealed":{"a":"b"}}}', BEGIN.replace('mmm', 'mm'), ',"~":{"by":"","mac":""}}'])(
    'is refused without an authenticator: %s',
    (beside) => {
      expect(judged(leafOf({}), beside)).toMatch('no authenticator');
    },
  );
});

import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { canonicalJson } from './canonical-json.js';

const reference = canonicalize as unknown as (value: unknown) => string;

describe('canonical JSON (RFC 8785)', () => {
  it('sorts members by UTF-16 code units at every depth (section 3.2.3)', () => {
    const value = {
      '\u20ac': 'Euro Sign',
      '\r': 'Carriage Return',
      '\ufb33': 'Hebrew Letter Dalet With Dagesh',
      '1': 'One',
      '\ud83d\ude00': 'Emoji: Grinning Face',
      '\u0080': 'Control',
      '\u00f6': 'Latin Small Letter O With Diaeresis',
    };
    expect(canonicalJson(value)).toBe(
      '{"\\r":"Carriage Return","1":"One","\u0080":"Control","ö":"Latin Small Letter O With Diaeresis","€":"Euro Sign","😀":"Emoji: Grinning Face","\ufb33":"Hebrew Letter Dalet With Dagesh"}',
    );
  });

  it('prints numbers as ECMAScript does (appendix B)', () => {
    expect(canonicalJson([0, -0, 5e-324, 1.7976931348623157e308, 333333333.33333329, 1e30, 4.5, 2e-3, 1e-27])).toBe(
      '[0,0,5e-324,1.7976931348623157e+308,333333333.3333333,1e+30,4.5,0.002,1e-27]',
    );
  });

  it('agrees with another implementation on any JSON value', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
        expect(canonicalJson(value)).toBe(reference(value));
      }),
      { numRuns: 2000 },
    );
  });

  it('gives bytes that survive a store: parsing and serializing again changes nothing', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
      }),
    );
  });

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '\ud800', { a: '\udfff' }, 1n, Symbol('s'), () => 1])(
    'refuses what JSON cannot hold (case %#)',
    (value) => {
      expect(() => canonicalJson(value)).toThrow(TypeError);
    },
  );

  it('leaves out members that are undefined', () => {
    expect(canonicalJson({ b: undefined, a: 1 })).toBe('{"a":1}');
  });
});

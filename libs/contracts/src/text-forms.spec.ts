import fc from 'fast-check';
import { CODE, COUNTRY, EXTENSION_NAME, PLAIN_TEXT, testerOf, UNBROKEN_TEXT } from './text-forms.js';

const patterns = {
  code: CODE.pattern,
  country: COUNTRY.pattern,
  extension: EXTENSION_NAME,
  plain: PLAIN_TEXT.pattern,
  unbroken: UNBROKEN_TEXT.pattern,
};

describe('the quick tests of texts', () => {
  it.each(Object.entries(patterns))('%s: say what the pattern says', (_, pattern) => {
    const tester = testerOf(pattern.source, pattern.flags);
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 12 }),
      fc.string({ maxLength: 12 }),
      fc.constantFrom('', 'SA', 'a\u0000', '\ud800', 'ي٣', 'e\u0301', 'a b', '7', 'x\u007f', '\u0080'),
      fc
        .tuple(fc.constantFrom('a', 'ي', '𐒀'), fc.constantFrom(63, 64, 65, 127, 128, 129))
        .map(([unit, n]) => unit.repeat(n)),
    );
    fc.assert(
      fc.property(texts, (text) => {
        expect(tester.test(text)).toBe(pattern.test(text));
      }),
      { numRuns: 500 },
    );
  });
});

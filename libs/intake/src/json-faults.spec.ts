import fc from 'fast-check';
import { jsonFaults } from './json-faults.js';

const found = (text: string): string[] => jsonFaults(text).map(({ path, code }) => `${code} ${path}`);

describe('what a JSON text loses when it is parsed', () => {
  it.each([
    ['{"a":1,"a":2}', ['duplicate_name a']],
    ['{"a":1,"\\u0061":2}', ['duplicate_name a']],
    [
      '{"data":{"recipient":{"id":"x"},"other":[{"b":1},{"b":1,"c":[],"b":{}}],"recipient":1}}',
      ['duplicate_name data.other[1].b', 'duplicate_name data.recipient'],
    ],
    ['[{"id":"a"},{"id":"b","id":"b"}]', ['duplicate_name [1].id']],
    ['{"a b":1,"a b":1}', ['duplicate_name (unprintable)']],
    ['{"details":{"x":0.1234567890123456789}}', ['out_of_range details.x']],
    ['{"details":[1,{"x":1e-400}]}', ['out_of_range details[1].x']],
    ['[9007199254740993, 1e400, -1e-400]', ['out_of_range [0]', 'out_of_range [1]', 'out_of_range [2]']],
  ])('%s', (text, faults) => expect(found(text)).toEqual(faults));

  it.each([
    '{"a":{"a":1},"b":[{"a":1},{"a":2}],"c":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"a","b":"a","":""," ":"\\\\"}',
    '[0,-0,0.0,1.50,1e2,1.0E+2,100000000000000000000,0.1,1e-7,123456789012345680000,5e-324,1.7976931348623157e308]',
    '[[],{},"",null,true]',
    '"a"',
    '7',
  ])('nothing of %s', (text) => expect(found(text)).toEqual([]));

  it('finds nothing in what JavaScript itself has written', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => expect(found(JSON.stringify(value))).toEqual([])),
      { numRuns: 500 },
    );
  });

  it('sees each number that becomes another one', () => {
    const number = fc.tuple(fc.bigInt({ min: 0n, max: 10n ** 25n }), fc.integer({ min: -30, max: 5 }));
    fc.assert(
      fc.property(number, ([digits, exponent]) => {
        const written = `${digits}e${exponent}`;
        // By whole numbers: the shortest text that is read as what is kept, scaled to the same power of ten.
        const [, whole = '0', part = '', power = '0'] = /^(\d+)(?:\.(\d+))?(?:e([+-]\d+))?$/.exec(
          String(Number(written)),
        )!;
        const scale = 400n;
        const kept = BigInt(whole + part) * 10n ** (scale + BigInt(Number(power) - part.length));
        const same = kept === digits * 10n ** (scale + BigInt(exponent));
        expect(found(`[${written}]`)).toEqual(same ? [] : ['out_of_range [0]']);
      }),
      { numRuns: 1_000 },
    );
  });

  it('names so many of one event, and misses none of the others', () => {
    const twice = `{${Array.from({ length: 50 }, () => '"a":1').join()}}`;
    const paths = found(`[${[twice, '{}', twice, twice].join()}]`);
    for (const at of [0, 2, 3]) expect(paths.filter((path) => path === `duplicate_name [${at}].a`)).toHaveLength(20);
    expect(paths).toHaveLength(60);
  });

  it('goes no deeper than anything that is sent', () => {
    const nested = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(found(nested(100))).toEqual([]);
    expect(jsonFaults(nested(101))[0]).toMatchObject({ code: 'too_deep' });
    expect(jsonFaults(nested(400_000))).toHaveLength(1);
    expect(found(`[${nested(400_000)},{"a":1,"a":2}]`)).toEqual([
      expect.stringContaining('too_deep [0]'),
      'duplicate_name [1].a',
    ]);
  });
});

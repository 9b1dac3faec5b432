import { canonicalJson } from '@sijill/transparency';
import fc from 'fast-check';
import { textOfValue } from './value-text.js';

describe('the text of what a client has made of a body', () => {
  it('is canonical JSON for whatever that can hold', () => {
    fc.assert(fc.property(fc.jsonValue(), (value) => expect(textOfValue(value)).toBe(canonicalJson(value))));
  });

  it('is the same beyond what calls can follow, and where canonical JSON holds none of it', () => {
    const deep = `${'[1,{"a":'.repeat(30_000)}null${'}]'.repeat(30_000)}`;
    expect(textOfValue(JSON.parse(deep))).toBe(deep);
    const odd = { b: '\ud800', a: [1e999, -0, ''], '"': {} };
    expect(textOfValue(odd)).toBe('{"\\"":{},"a":[null,0,""],"b":"\\ud800"}');
  });

  it('is there for bytes, and for nothing', () => {
    expect(textOfValue(Uint8Array.of(0, 255))).toBe('AP8=');
    expect(textOfValue(undefined)).toBe('');
  });
});

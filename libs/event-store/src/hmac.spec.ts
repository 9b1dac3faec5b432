import { createHmac } from 'node:crypto';
import fc from 'fast-check';
import { hmacSha256 } from './hmac.js';

describe('the HMAC of a text', () => {
  const ofNode = (key: Uint8Array, text: string): string => createHmac('sha256', key).update(text).digest('base64url');

  it('is that of RFC 4231, test case 2', () => {
    const mac = hmacSha256(Buffer.from('Jefe'))('what do ya want for nothing?');
    expect(Buffer.from(mac, 'base64url').toString('hex')).toBe(
      '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843',
    );
  });

  it('is what Node makes of it, for keys and texts of any kind and length', () => {
    const key = fc.uint8Array({ maxLength: 64 });
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 3_000 }),
      fc.nat({ max: 70_000 }).map((letters) => 'سجل'.repeat(letters)),
    );
    fc.assert(
      fc.property(key, fc.array(text, { minLength: 1, maxLength: 4 }), (bytes, texts) => {
        const mac = hmacSha256(bytes);
        // One after the other with one key: nothing of a longer text stays behind.
        for (const each of texts) expect(mac(each)).toBe(ofNode(bytes, each));
      }),
      { numRuns: 60 },
    );
  });

  it('takes no longer key than a block', () => {
    expect(() => hmacSha256(new Uint8Array(65))).toThrow(RangeError);
  });
});

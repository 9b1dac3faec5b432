import { createHmac, randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { hmacOf } from './hmac.js';

describe('HMAC under a key that is used often', () => {
  it.each(['sha256', 'sha512'] as const)('is that of RFC 2104 for any key and text (%s)', (algorithm) => {
    const text = fc.string({ unit: 'binary', maxLength: 5_000 }).map((given) => given.toWellFormed());
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: algorithm === 'sha256' ? 64 : 128 }), text, (key, said) => {
        const expected = createHmac(algorithm, key).update(said).digest();
        const own = hmacOf(algorithm, key);
        return (
          own(said, 'hex') === expected.toString('hex') && own(said, 'base64url') === expected.toString('base64url')
        );
      }),
    );
  });

  it('keeps its key from one text to the next', () => {
    const key = randomBytes(32);
    const own = hmacOf('sha256', key);
    const other = hmacOf('sha256', randomBytes(32));
    const first = own('a', 'hex');
    other('something much longer than the first', 'hex');
    expect(own('a', 'hex')).toBe(first);
  });
});

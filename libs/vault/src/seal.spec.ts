import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { compactDecrypt } from 'jose';
import { contextOf, keyIdOf, openingOf, openWith, seal, SealBroken, secretOf, unseal } from './seal.js';

const secret = secretOf('subject/s/1/default/self/2026', randomBytes(32));
const other = secretOf('subject/s/1/default/self/2027', randomBytes(32));
const CONTEXT = '0198a1b2-0000-7000-8000-000000000001/subject';

describe('a sealed part', () => {
  it('opens with its secret in its context, and says whose it is', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 2_000 }).map((given) => Buffer.from(given)),
      fc.string(),
    );
    fc.assert(
      fc.property(bytes, (plain) => {
        const sealed = seal(secret, CONTEXT, plain);
        expect(unseal(secret, CONTEXT, sealed)).toEqual(Buffer.from(plain as string));
        expect([keyIdOf(sealed), contextOf(sealed)]).toEqual([secret.keyId, CONTEXT]);
      }),
    );
  });

  it('is opened by a JOSE library that is given its key', async () => {
    const sealed = seal(secret, CONTEXT, 'ليلى');
    const { plaintext } = await compactDecrypt(sealed, openingOf(secret, CONTEXT).key);
    expect(Buffer.from(plaintext).toString('utf8')).toBe('ليلى');
  });

  it('has a key that opens nothing else of its holder', () => {
    const opening = openingOf(secret, CONTEXT);
    expect(openWith(opening, CONTEXT, seal(secret, CONTEXT, 'a')).toString()).toBe('a');
    const elsewhere = CONTEXT.replace('1/', '2/');
    const sealed = seal(secret, elsewhere, 'b');
    expect(() => openWith(opening, elsewhere, sealed)).toThrow(SealBroken);
    expect(() => openWith(opening, CONTEXT, sealed)).toThrow(SealBroken);
    expect(() => unseal(other, CONTEXT, seal(secret, CONTEXT, 'c'))).toThrow('names another key');
  });

  it('is refused with any bit changed, the unused ones of base64 too', () => {
    const sealed = seal(secret, CONTEXT, 'some text of a person');
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
    let tried = 0;
    for (let at = 0; at < sealed.length; at++) {
      const value = alphabet.indexOf(sealed[at]!);
      if (value === -1) continue;
      for (let bit = 0; bit < 6; bit++) {
        const changed = sealed.slice(0, at) + alphabet[value ^ (1 << bit)] + sealed.slice(at + 1);
        expect(() => unseal(secret, CONTEXT, changed)).toThrow(SealBroken);
        tried++;
      }
    }
    expect(tried).toBeGreaterThan(1_500);
  });

  it('commits to its key: another key, or another blinding, does not check, though GCM alone might open', () => {
    const sealed = seal(secret, CONTEXT, 'text');
    const { key, blinding } = openingOf(secret, CONTEXT);
    const flipped = Buffer.from(blinding);
    flipped[31]! ^= 1;
    expect(() => openWith({ key, blinding: flipped }, CONTEXT, sealed)).toThrow('commits to');
    const wrong = Buffer.from(key);
    wrong[0]! ^= 1;
    expect(() => openWith({ key: wrong, blinding }, CONTEXT, sealed)).toThrow('commits to');
  });

  it.each([
    ['', 'nothing'],
    ['a.b.c.d.e', 'no header'],
    [`${Buffer.from('{"alg":"dir"}').toString('base64url')}..a.b.c`, 'another header'],
    ['eyJhbGciOiJkaXIifQ', 'one part'],
  ])('is not %s (%s)', (text) => {
    expect(() => unseal(secret, CONTEXT, text)).toThrow(SealBroken);
  });

  it('never has the same nonce twice', () => {
    const nonces = new Set(Array.from({ length: 2_000 }, () => seal(secret, CONTEXT, '').split('.')[2]));
    expect(nonces.size).toBe(2_000);
  });
});

import fc from 'fast-check';
import { toHex, utf8 } from './bytes.js';
import * as browser from './crypto.browser.js';
import * as node from './crypto.js';

const bytes = fc.uint8Array({ maxLength: 300 });
const seed = fc.uint8Array({ minLength: 32, maxLength: 32 });

describe('the cryptography of the browser', () => {
  it('has all that there is in Node', () => {
    expect(Object.keys(browser).sort()).toEqual(Object.keys(node).sort());
  });

  it('hashes as Node does', () => {
    // FIPS 180-4, the example of one block.
    const abc = 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad';
    expect(toHex(browser.sha256(utf8('abc')))).toBe(abc);
    fc.assert(
      fc.property(bytes, fc.string({ unit: 'grapheme' }), (data, text) => {
        expect(toHex(browser.sha256(data))).toBe(toHex(node.sha256(data)));
        expect(toHex(browser.sha256OfText(text))).toBe(toHex(node.sha256OfText(text)));
        const [ours, theirs] = [new Uint8Array(50), new Uint8Array(50)];
        browser.sha256Into(data, ours, 9);
        node.sha256Into(data, theirs, 9);
        expect(ours).toEqual(theirs);
      }),
    );
  });

  it('signs and verifies as Node does, and refuses what is changed', () => {
    fc.assert(
      fc.property(seed, bytes, fc.nat({ max: 511 }), (secret, message, bit) => {
        const [ours, theirs] = [browser.signingKey(secret), node.signingKey(secret)];
        expect(toHex(ours.publicKey)).toBe(toHex(theirs.publicKey));
        const signature = ours.sign(message);
        expect(toHex(signature)).toBe(toHex(theirs.sign(message)));
        const changed = Uint8Array.from(signature);
        changed[bit >> 3]! ^= 1 << (bit & 7);
        for (const verify of [browser.ed25519Verify, node.ed25519Verify]) {
          expect(verify(ours.publicKey, message, signature)).toBe(true);
          expect(verify(ours.publicKey, message, changed)).toBe(false);
          expect(verify(ours.publicKey, utf8(`${message.join()}!`), signature)).toBe(false);
          expect(verify(new Uint8Array(31), message, signature)).toBe(false);
          expect(verify(ours.publicKey, message, signature.slice(1))).toBe(false);
          expect(verify(new Uint8Array(32).fill(255), message, signature)).toBe(false);
        }
      }),
      { numRuns: 30 },
    );
    for (const { signingKey } of [browser, node]) expect(() => signingKey(new Uint8Array(31))).toThrow(RangeError);
  });
});

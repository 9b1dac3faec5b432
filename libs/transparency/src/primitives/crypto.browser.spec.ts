import { ed25519 } from '@noble/curves/ed25519.js';
import { sha512 } from '@noble/hashes/sha2.js';
import fc from 'fast-check';
import { concat, toHex, utf8 } from './bytes.js';
import * as browser from './crypto.browser.js';
import * as node from './crypto.js';

const bytes = fc.uint8Array({ maxLength: 300 });
const message = utf8('a message');
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
          expect(verify(ours.publicKey, message, concat(signature, Uint8Array.of(0)))).toBe(false);
          expect(verify(new Uint8Array(32).fill(255), message, signature)).toBe(false);
        }
      }),
      { numRuns: 30 },
    );
  });

  // Whoever has the key can make signatures by which the ways to verify one that RFC 8032 allows come to different answers.
  it('gives the same answer as Node also to signatures that were made to divide verifiers', () => {
    const { Point } = ed25519;
    const order = Point.Fn.ORDER;
    const ofEight = Point.fromHex('c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a');
    const small = Array.from({ length: 8 }, (_, i) => ofEight.multiplyUnsafe(BigInt(i)));
    const littleEndian = (value: bigint): Uint8Array => Uint8Array.from(toBytes(value)).reverse();
    const toBytes = (value: bigint): Buffer => Buffer.from(value.toString(16).padStart(64, '0'), 'hex');
    const answers = new Set<string>();
    fc.assert(
      fc.property(
        fc.bigInt({ min: 1n, max: order - 1n }),
        fc.bigInt({ min: 0n, max: order - 1n }),
        fc.constantFrom(...small),
        fc.constantFrom(...small),
        fc.constantFrom(0n, 0n, 0n, order),
        fc.boolean(),
        fc.uint8Array({ maxLength: 5 }),
        (secret, nonce, besideKey, besideNonce, more, onlySmall, message) => {
          const a = onlySmall ? 0n : secret;
          const publicKey = Point.BASE.multiplyUnsafe(a).add(besideKey).toBytes();
          const r = Point.BASE.multiplyUnsafe(nonce).add(besideNonce).toBytes();
          const k = BigInt(`0x${toHex(sha512(concat(r, publicKey, message)).reverse())}`) % order;
          const signature = concat(r, littleEndian(((nonce + k * a) % order) + more));
          const answer = node.ed25519Verify(publicKey, message, signature);
          expect(browser.ed25519Verify(publicKey, message, signature)).toBe(answer);
          answers.add(`${answer}`);
        },
      ),
      { numRuns: 200 },
    );
    expect([...answers].sort()).toEqual(['false', 'true']);
    // Keys that are not written as they should be: y = 1 with the sign of x = 0 set, and y = p + 1.
    const signature = concat(Point.BASE.multiply(5n).toBytes(), littleEndian(5n));
    for (const [first, last, rest] of [
      [1, 0x80, 0],
      [0xee, 0x7f, 0xff],
      [0xed, 0x7f, 0xff],
      [2, 0, 0],
    ] as const) {
      const key = new Uint8Array(32).fill(rest);
      [key[0], key[31]] = [first, last];
      expect(browser.ed25519Verify(key, message, signature)).toBe(node.ed25519Verify(key, message, signature));
    }
  });

  it('takes no other seed', () => {
    for (const { signingKey } of [browser, node]) expect(() => signingKey(new Uint8Array(31))).toThrow(RangeError);
  });
});

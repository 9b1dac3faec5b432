import fc from 'fast-check';
import { fromBase64, FormatInvalid, readDecimal, sameBytes, textOf, toBase64, toHex, uint64, utf8 } from './bytes.js';
import { ed25519Verify, sha256, sha256OfText, signingKey } from './crypto.js';

describe('bytes as text', () => {
  it('are what Node.js makes of them, and come back', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
        expect(toBase64(bytes)).toBe(Buffer.from(bytes).toString('base64'));
        expect(toHex(bytes)).toBe(Buffer.from(bytes).toString('hex'));
        expect(sameBytes(fromBase64(toBase64(bytes)), bytes)).toBe(true);
      }),
    );
  });

  it.each(['A', 'AA', 'AAA', 'AB==', 'AAB=', 'AA==\n', ' AAAA', 'AA-_', 'AA=A', '====', 'AAAA=', 'ÄAAA'])(
    'has one form in base64: %j is refused',
    (text) => expect(() => fromBase64(text)).toThrow(FormatInvalid),
  );

  it('refuses what is no UTF-8, and keeps a byte order mark', () => {
    expect(() => textOf(Uint8Array.of(0xc3, 0x28))).toThrow(FormatInvalid);
    expect(textOf(utf8('\uFEFFمرحبا'))).toBe('\uFEFFمرحبا');
  });
});

describe('numbers', () => {
  it('are read up to 2^63 − 1, in one form', () => {
    expect(readDecimal('0')).toBe(0n);
    expect(readDecimal('9007199254740993')).toBe(9007199254740993n);
    expect(readDecimal('9223372036854775807')).toBe(2n ** 63n - 1n);
  });

  it.each(['', '-1', '+1', '01', '1.0', '1e3', ' 1', '1\n', '٣', '0x10', '9223372036854775808', '1'.repeat(5_000)])(
    'are refused in any other: %j',
    (text) => expect(() => readDecimal(text)).toThrow(FormatInvalid),
  );

  it('become eight bytes', () => {
    expect(toHex(uint64(2n ** 64n - 1n))).toBe('f'.repeat(16));
    expect(toHex(uint64(258n))).toBe('0000000000000102');
    expect(() => uint64(-1n)).toThrow(RangeError);
    expect(() => uint64(2n ** 64n)).toThrow(RangeError);
  });
});

describe('the primitives', () => {
  it('hash as FIPS 180-4 says', () => {
    expect(toHex(sha256(utf8('abc')))).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad');
  });

  it('hash a text as its bytes in UTF-8', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
        expect(toHex(sha256OfText(text))).toBe(toHex(sha256(utf8(text))));
      }),
    );
  });

  // RFC 8032, section 7.1, the second test.
  it('sign as RFC 8032 says, and accept no other signature, key or message', () => {
    const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
    const key = signingKey(bytes('4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb'));
    expect(toHex(key.publicKey)).toBe('3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c');
    const signature = key.sign(Uint8Array.of(0x72));
    expect(toHex(signature)).toBe(
      '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00',
    );
    expect(ed25519Verify(key.publicKey, Uint8Array.of(0x72), signature)).toBe(true);
    expect(ed25519Verify(key.publicKey, Uint8Array.of(0x73), signature)).toBe(false);
    expect(ed25519Verify(new Uint8Array(32).fill(255), Uint8Array.of(0x72), signature)).toBe(false);
    expect(ed25519Verify(key.publicKey, Uint8Array.of(0x72), signature.subarray(1))).toBe(false);
    expect(ed25519Verify(key.publicKey.subarray(1), Uint8Array.of(0x72), signature)).toBe(false);
  });
});

import { hash } from 'node:crypto';

/** Authenticates texts under one key. RFC 2104. */
export type Hmac = (text: string, encoding: 'base64url' | 'hex' | 'binary') => string;

const BLOCK_BYTES = { sha256: 64, sha512: 128 } as const;
const HASH_BYTES = { sha256: 32, sha512: 64 } as const;

/**
 * HMAC under a key that is used often: its two pads are made once, and each text costs two hashes of one call each. Node's own object
 * for an HMAC costs two to three times as much for texts of the length that entries have, most of it to make the object and to hand
 * over bytes where a text is wanted.
 *
 * @param key at most a block long (64 bytes for SHA-256, 128 for SHA-512)
 * @throws RangeError the key is longer
 */
export function hmacOf(algorithm: 'sha256' | 'sha512', key: Uint8Array): Hmac {
  const block = BLOCK_BYTES[algorithm];
  if (key.length > block) throw new RangeError(`a key of HMAC-${algorithm} has at most ${block} bytes here`);
  const innerPad = padded(key, block, 0x36);
  const outer = Buffer.concat([padded(key, block, 0x5c), Buffer.alloc(HASH_BYTES[algorithm])]);
  return (text, encoding) => {
    const { bytes, inner } = room(block + 3 * text.length);
    innerPad.copy(inner);
    const length = block + inner.write(text, block, 'utf8');
    outer.write(hash(algorithm, bytes.subarray(0, length), 'binary'), block, 'latin1');
    return hash(algorithm, outer, encoding);
  };
}

function padded(key: Uint8Array, block: number, byte: number): Buffer {
  const pad = Buffer.alloc(block, byte);
  for (let i = 0; i < key.length; i++) pad[i]! ^= key[i]!;
  return pad;
}

// One text is hashed at a time, and the call returns before anything else runs.
let scratch = scratchOf(8 * 1024);

function room(length: number): typeof scratch {
  if (length > scratch.bytes.length) scratch = scratchOf(2 * length);
  return scratch;
}

/** The same memory twice: written to as a Buffer, and cut as plain bytes, since a part of a Buffer takes several times as long to make. */
function scratchOf(length: number): { readonly bytes: Uint8Array; readonly inner: Buffer } {
  const bytes = new Uint8Array(length);
  return { bytes, inner: Buffer.from(bytes.buffer) };
}

import type * as NodeCrypto from 'node:crypto';

/**
 * Bytes for keys, salts, nonces and ids that come from a seed, in the place of the operating system's. They reach the product
 * by `node:crypto` itself, so that the product has no switch by which they could be made predictable in earnest.
 */
export class Entropy {
  private state = 0;
  /** How often bytes were asked for. */
  asked = 0;

  reseed(seed: number): void {
    this.state = seed | 0;
  }

  /** What a module gets that asks for `node:crypto`. */
  crypto(real: typeof NodeCrypto): object {
    const bytes = (count: number): Buffer => this.fill(Buffer.alloc(count));
    return {
      ...real,
      default: real,
      randomBytes: bytes,
      randomFillSync: (buffer: Buffer) => this.fill(buffer),
      randomUUID: () => uuidOf(bytes(16)),
    };
  }

  private fill(buffer: Buffer): Buffer {
    this.asked += 1;
    let at = 0;
    for (; at + 4 <= buffer.length; at += 4) buffer.writeInt32LE(this.next(), at);
    if (at < buffer.length) buffer.writeIntLE(this.next() >> (8 * (4 - (buffer.length - at))), at, buffer.length - at);
    return buffer;
  }

  private next(): number {
    this.state = (this.state + 0x9e3779b9) | 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 16), 0x21f0aaad);
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97);
    return mixed ^ (mixed >>> 15);
  }
}

/** RFC 9562, version 4. */
function uuidOf(bytes: Buffer): string {
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');
}

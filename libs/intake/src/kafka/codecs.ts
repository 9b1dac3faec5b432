import kafkajs from 'kafkajs';
import { promisify } from 'node:util';
import zlib from 'node:zlib';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** A batch is compressed in a way that this server cannot read. Nothing is lost: the partition waits where it is. */
export class CodecMissing extends Error {
  override readonly name = 'CodecMissing';
}

type Decompress = (bytes: Buffer) => Promise<Buffer>;
type CodecName = 'snappy' | 'lz4' | 'zstd';

/** Each is loaded when the first batch asks for it; two of them are native and may have no binary for a platform. */
const LOADERS: Readonly<Record<CodecName, () => Promise<Decompress>>> = {
  snappy: async () => {
    const { default: snappy } = await import('snappy');
    const block: Decompress = async (bytes) => (await snappy.uncompress(bytes)) as Buffer;
    return (bytes) => (isXerial(bytes) ? xerialBlocks(bytes, block) : block(bytes));
  },
  lz4: async () => (await import('lz4-napi')).default.decompressFrame,
  zstd: async () => {
    // Node has it from 22.15 on.
    const { zstdDecompress } = zlib as {
      zstdDecompress?: (bytes: Buffer, done: (e: Error | null, b: Buffer) => void) => void;
    };
    if (zstdDecompress !== undefined) return promisify(zstdDecompress);
    const { decompress } = await import('fzstd');
    return async (bytes) => Buffer.from(decompress(bytes));
  },
};

/** Teaches the client the codecs of Kafka beside gzip, which it knows. For reading only; this server sends nothing. */
export function registerCodecs(loaders: Partial<Record<CodecName, () => Promise<Decompress>>> = {}): void {
  const types: Record<CodecName, number> = {
    snappy: CompressionTypes.Snappy,
    lz4: CompressionTypes.LZ4,
    zstd: CompressionTypes.ZSTD,
  };
  for (const [name, type] of Object.entries(types) as [CodecName, number][]) {
    const codec = readingCodec(name, loaders[name] ?? LOADERS[name]);
    (CompressionCodecs as unknown as Record<number, () => unknown>)[type] = () => codec;
  }
}

function readingCodec(name: CodecName, load: () => Promise<Decompress>): { decompress: Decompress } {
  let loaded: Promise<Decompress> | null = null;
  return {
    decompress: async (bytes) => {
      let decompress: Decompress;
      try {
        decompress = await (loaded ??= load());
      } catch (cause) {
        loaded = null;
        const message =
          `a producer compresses with ${name}, which this server cannot read: the codec does not load here. Run npm install on ` +
          'this platform, and until then set compression.type=gzip or none on the topic. The intake waits and nothing is skipped';
        throw new CodecMissing(message, { cause });
      }
      return decompress(bytes);
    },
  };
}

// The Java client writes snappy in a framing of its own (snappy-java's stream format): a header of 16 bytes, then blocks, each
// with its length before it.
const XERIAL = Buffer.from([0x82, 0x53, 0x4e, 0x41, 0x50, 0x50, 0x59, 0x00]);
const XERIAL_HEADER_BYTES = 16;

function isXerial(bytes: Buffer): boolean {
  return bytes.length >= XERIAL_HEADER_BYTES && bytes.subarray(0, XERIAL.length).equals(XERIAL);
}

async function xerialBlocks(bytes: Buffer, block: Decompress): Promise<Buffer> {
  const blocks: Buffer[] = [];
  for (let at = XERIAL_HEADER_BYTES; at < bytes.length;) {
    const from = at + 4;
    at = from + bytes.readUInt32BE(at);
    blocks.push(await block(bytes.subarray(from, at)));
  }
  return Buffer.concat(blocks);
}

import kafkajs from 'kafkajs';

const { CompressionCodecs, CompressionTypes } = kafkajs;

/** A batch is compressed in a way that this server cannot read. Nothing is lost: the partition waits where it is. */
export class CodecMissing extends Error {
  override readonly name = 'CodecMissing';
}

const MISSING = { Snappy: CompressionTypes.Snappy, LZ4: CompressionTypes.LZ4, ZSTD: CompressionTypes.ZSTD };

/** Gzip is built into the client. For the other codecs the error must name the cure. */
export function registerCodecs(): void {
  for (const [name, type] of Object.entries(MISSING)) {
    (CompressionCodecs as unknown as Record<number, () => never>)[type] = () => {
      throw new CodecMissing(
        `a producer compresses with ${name}, which this server cannot read; set compression.type=gzip or none at the producer ` +
          'or on the topic. The intake waits and nothing is skipped',
      );
    };
  }
}

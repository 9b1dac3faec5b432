import { Gunzip, Gzip } from 'fflate';
import { FormatInvalid, textOf } from '../primitives/bytes.js';

/** What a proof may have once it is unpacked: a million lines. */
const MOST_BYTES = 2 ** 31;
const PIECE = 2 ** 16;
/** No leaf is longer by far: an event has 256 KiB, and what is sealed in it is in the leaf by its hash. */
const LONGEST_LINE = 2 ** 22;
const NEWLINE = 10;

/**
 * The file of a proof: its text in UTF-8, packed with gzip (RFC 1952). Leaves say much alike, and a fifth is left of them. The same text is
 * the same file on every machine: there is no time in it, and no library of the machine's.
 */
export class ProofPacker {
  private readonly packed: Uint8Array[] = [];
  private readonly gzip = new Gzip({ level: 6, mtime: 0 }, (bytes) => this.packed.push(bytes));

  /** @returns what is ready of the file */
  add(bytes: Uint8Array, isLast: boolean): Uint8Array[] {
    this.gzip.push(bytes, isLast);
    return this.packed.splice(0);
  }
}

/**
 * The lines of a proof's file, without their newlines, one after the other as they are asked for. The text itself, not packed, is taken too.
 *
 * @throws FormatInvalid it is neither, or longer than any that is read here
 */
export function* proofLines(file: Uint8Array): Generator<string> {
  let rest: Uint8Array = new Uint8Array();
  for (const piece of isPacked(file) ? unpacked(file) : [file]) {
    let from = 0;
    for (let end = piece.indexOf(NEWLINE); end >= 0; end = piece.indexOf(NEWLINE, from)) {
      yield rest.length === 0 ? textOf(piece.subarray(from, end)) : textOf(joined(rest, piece.subarray(from, end)));
      rest = new Uint8Array();
      from = end + 1;
    }
    rest = joined(rest, piece.subarray(from));
    if (rest.length > LONGEST_LINE) throw new FormatInvalid('a line of the proof is longer than any leaf');
  }
  yield textOf(rest);
}

/** Whether a file begins as gzip does. */
export function isPacked(file: Uint8Array): boolean {
  return file[0] === 0x1f && file[1] === 0x8b;
}

function* unpacked(file: Uint8Array): Generator<Uint8Array> {
  const ready: Uint8Array[] = [];
  let another = false;
  const gunzip = new Gunzip((bytes) => ready.push(bytes));
  gunzip.onmember = () => (another = true);
  let [bytes, checksum] = [0, 0xffff_ffff];
  for (let from = 0; from < file.length; from += PIECE) {
    try {
      gunzip.push(file.subarray(from, from + PIECE), from + PIECE >= file.length);
    } catch {
      throw new FormatInvalid('the proof is packed, and damaged');
    }
    for (const piece of ready.splice(0)) {
      if ((bytes += piece.length) > MOST_BYTES)
        throw new FormatInvalid('the proof is longer than any that is read here');
      checksum = withBytes(checksum, piece);
      yield piece;
    }
  }
  if (another || !endsWith(file, checksum, bytes))
    throw new FormatInvalid('the proof is packed, and cut off or damaged');
}

/** What a packed file ends with, the checksum of what is in it and its length, the library does not look at. */
function endsWith(file: Uint8Array, checksum: number, bytes: number): boolean {
  if (file.length < 8) return false;
  const end = new DataView(file.buffer, file.byteOffset + file.length - 8, 8);
  return end.getUint32(0, true) === ~checksum >>> 0 && end.getUint32(4, true) === bytes;
}

/** CRC-32, as RFC 1952 has it. */
const CRC_32 = Uint32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit++) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0xedb8_8320 : rest >>> 1;
  return rest;
});

function withBytes(checksum: number, bytes: Uint8Array): number {
  for (const byte of bytes) checksum = (checksum >>> 8) ^ CRC_32[(checksum ^ byte) & 0xff]!;
  return checksum;
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const whole = new Uint8Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}

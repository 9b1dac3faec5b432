import { Gunzip, Gzip } from 'fflate';
import { FormatInvalid, textOf } from '../primitives/bytes.js';

/** What a proof may have once it is unpacked: a million lines. */
const MOST_BYTES = 2 ** 31;
const PIECE = 2 ** 16;
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
  }
  yield textOf(rest);
}

/** Whether a file begins as gzip does. */
export function isPacked(file: Uint8Array): boolean {
  return file[0] === 0x1f && file[1] === 0x8b;
}

function* unpacked(file: Uint8Array): Generator<Uint8Array> {
  const ready: Uint8Array[] = [];
  let ended = false;
  const gunzip = new Gunzip((bytes, isLast) => {
    ready.push(bytes);
    ended = isLast;
  });
  let bytes = 0;
  for (let from = 0; from < file.length; from += PIECE) {
    try {
      gunzip.push(file.subarray(from, from + PIECE), from + PIECE >= file.length);
    } catch {
      throw new FormatInvalid('the proof is packed, and damaged');
    }
    for (const piece of ready.splice(0)) {
      if ((bytes += piece.length) > MOST_BYTES)
        throw new FormatInvalid('the proof is longer than any that is read here');
      yield piece;
    }
  }
  if (!ended) throw new FormatInvalid('the proof is packed, and cut off');
}

function joined(one: Uint8Array, other: Uint8Array): Uint8Array {
  const whole = new Uint8Array(one.length + other.length);
  whole.set(one);
  whole.set(other, one.length);
  return whole;
}

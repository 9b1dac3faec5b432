import {
  closeSync,
  fdatasyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readFileSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';

/** One event as it lies in the log. */
export interface Recorded {
  /** The byte offset of the record in the log, as the real server counts it. */
  readonly position: number;
  readonly stream: string;
  readonly revision: bigint;
  readonly id: string;
  readonly type: string;
  readonly contentType: string;
  readonly data: Buffer;
  readonly metadata: Buffer;
  /** Ticks of 100 ns since 1970. */
  readonly created: bigint;
}

/** What a scavenge took off the log, by position, and where the log goes on. */
export interface Scavenged {
  readonly removed: readonly number[];
  readonly end: number;
}

interface OnFrame {
  records(records: Recorded[]): void;
  scavenged(scavenged: Scavenged): void;
}

type Row = [number, string, string, string, string, string, string, string, string];

/**
 * An append-only file of frames: length, checksum, and the events of one append, or what a scavenge took away. A frame that a
 * kill cut short is taken off at the next start, so an append is there with all its events or not at all.
 */
export class LogFile {
  readonly #fd: number;

  constructor(directory: string, on: OnFrame) {
    mkdirSync(directory, { recursive: true });
    const path = join(directory, FILE);
    this.#fd = openSync(path, 'a+');
    let whole = 0;
    for (const { content, end } of framesOf(readFileSync(path))) {
      if ('removed' in content) on.scavenged(content);
      else on.records(content.map(fromRow));
      whole = end;
    }
    ftruncateSync(this.#fd, whole);
  }

  write(records: readonly Recorded[]): void {
    this.#write(records.map(toRow));
  }

  writeScavenged(scavenged: Scavenged): void {
    this.#write(scavenged);
  }

  close(): void {
    closeSync(this.#fd);
  }

  #write(content: readonly Row[] | Scavenged): void {
    writeSync(this.#fd, frameOf(content));
    fdatasyncSync(this.#fd);
  }
}

/** Writes a log anew with its events changed, as whoever has the server's disk can. No stand-in may have it open. */
export function rewriteLog(directory: string, change: (record: Recorded) => Recorded): void {
  const path = join(directory, FILE);
  const frames = [...framesOf(readFileSync(path))].map(({ content }) =>
    frameOf('removed' in content ? content : content.map((row) => toRow(change(fromRow(row))))),
  );
  writeFileSync(path, Buffer.concat(frames));
}

const FILE = 'events.log';

/** The frames that are whole, each with where it ends. */
function* framesOf(bytes: Buffer): Generator<{ content: Row[] | Scavenged; end: number }> {
  for (let offset = 0; offset + 8 <= bytes.length;) {
    const end = offset + 8 + bytes.readUInt32LE(offset);
    const frame = bytes.subarray(offset + 8, end);
    if (end > bytes.length || checksum(frame) !== bytes.readUInt32LE(offset + 4)) return;
    yield { content: JSON.parse(frame.toString('utf8')) as Row[] | Scavenged, end };
    offset = end;
  }
}

function frameOf(content: readonly Row[] | Scavenged): Buffer {
  const frame = Buffer.from(JSON.stringify(content));
  const head = Buffer.alloc(8);
  head.writeUInt32LE(frame.length, 0);
  head.writeUInt32LE(checksum(frame), 4);
  return Buffer.concat([head, frame]);
}

function toRow(record: Recorded): Row {
  const { position, stream, revision, id, type, contentType, data, metadata, created } = record;
  const bodies = [data.toString('base64'), metadata.toString('base64')] as const;
  return [position, stream, String(revision), id, type, contentType, ...bodies, String(created)];
}

function fromRow([position, stream, revision, id, type, contentType, data, metadata, created]: Row): Recorded {
  const bodies = { data: Buffer.from(data, 'base64'), metadata: Buffer.from(metadata, 'base64') };
  return { position, stream, revision: BigInt(revision), id, type, contentType, ...bodies, created: BigInt(created) };
}

// zlib.crc32 came with Node 20.15; the project starts at 20.19.
function checksum(bytes: Buffer): number {
  return crc32(bytes);
}

import { createHash, randomUUID } from 'node:crypto';
import { open, unlink, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The file could not be read to its end; what was imported until then stays and a second run goes on from there. */
export class FileUnreadable extends Error {
  override readonly name = 'FileUnreadable';
}

const CHUNK_BYTES = 1024 * 1024;

/**
 * What is imported: read twice, first for its hash, and the same bytes both times.
 *
 * A pipe gives its bytes once. They are kept on a temporary file that has no name any more when the first byte is written, so
 * that nothing of them is left behind, however the process ends.
 */
export class SourceFile {
  private constructor(
    private readonly path: string,
    private readonly handle: FileHandle,
    /** Of all that is in it, in hex. */
    readonly sha256: string,
    readonly bytes: number,
  ) {}

  /** @throws FileUnreadable */
  static async open(path: string): Promise<SourceFile> {
    const given = await readable(path, () => open(path, 'r'));
    let kept: FileHandle | null = null;
    try {
      const hash = createHash('sha256');
      let bytes = 0;
      const lasts = await readable(path, async () => (await given.stat()).isFile());
      if (!lasts) kept = await nameless();
      for await (const chunk of chunksOf(path, given)) {
        hash.update(chunk);
        bytes += chunk.length;
        await kept?.appendFile(chunk);
      }
      if (kept !== null) await given.close();
      return new SourceFile(path, kept ?? given, hash.digest('hex'), bytes);
    } catch (error) {
      await kept?.close();
      await given.close();
      throw error;
    }
  }

  /** What it held when it was opened, whatever was written behind it since. @throws FileUnreadable */
  chunks(): AsyncGenerator<Buffer> {
    return chunksOf(this.path, this.handle, this.bytes);
  }

  close(): Promise<void> {
    return this.handle.close();
  }
}

async function nameless(): Promise<FileHandle> {
  const name = join(tmpdir(), `sijill-import-${randomUUID()}`);
  const handle = await open(name, 'wx+', 0o600);
  await unlink(name);
  return handle;
}

/** @param most bytes from the beginning; without it all there are, once, from wherever the handle stands */
async function* chunksOf(path: string, handle: FileHandle, most?: number): AsyncGenerator<Buffer> {
  for (let done = 0; most === undefined || done < most;) {
    const room = Math.min(CHUNK_BYTES, (most ?? Infinity) - done);
    const place = most === undefined ? null : done;
    const { bytesRead, buffer } = await readable(path, () => handle.read(Buffer.allocUnsafe(room), 0, room, place));
    if (bytesRead === 0) return;
    done += bytesRead;
    yield buffer.subarray(0, bytesRead);
  }
}

async function readable<T>(path: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new FileUnreadable(`${path} cannot be read: ${(cause as NodeJS.ErrnoException).code ?? 'unknown error'}`, {
      cause,
    });
  }
}

/**
 * Lines as bytes: text decoding must not mend what is not UTF-8 before it is judged. `length` counts the line break.
 *
 * @param most of a line that is longer than this only so much and a byte is kept: enough to tell that it is too long
 */
export async function* linesOf(
  source: SourceFile,
  most: number,
): AsyncGenerator<{ readonly bytes: Buffer; readonly length: number }> {
  let kept: Buffer[] = [];
  let keptBytes = 0;
  let length = 0;
  const take = (piece: Buffer): void => {
    length += piece.length;
    const part = piece.subarray(0, Math.max(0, most + 1 - keptBytes));
    if (part.length === 0) return;
    kept.push(part);
    keptBytes += part.length;
  };
  const line = (lineBreak: number): { bytes: Buffer; length: number } => {
    const whole = { bytes: Buffer.concat(kept), length: length + lineBreak };
    kept = [];
    keptBytes = length = 0;
    return whole;
  };
  for await (const chunk of source.chunks()) {
    let from = 0;
    for (let to = chunk.indexOf(0x0a); to !== -1; to = chunk.indexOf(0x0a, from)) {
      take(chunk.subarray(from, to));
      yield line(1);
      from = to + 1;
    }
    take(chunk.subarray(from));
  }
  if (length > 0) yield line(0);
}

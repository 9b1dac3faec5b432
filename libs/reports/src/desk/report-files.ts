import { createHash } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { keyIdOf, seal, unseal, type Secret } from '@sijill/vault';
import type { ReportFile } from './report-order.js';

/** Takes the files of a report as they are made; what is broken off leaves nothing. */
export interface FileSink {
  put(name: string, content: AsyncIterable<Uint8Array>): Promise<void>;
}

/** Bytes that are sealed together: a file of any length is made and read in so much memory. */
const PIECE_BYTES = 1_048_576;

/** Hands a file over, and says what it was. */
export async function handOver(
  sink: FileSink,
  name: string,
  mediaType: string,
  content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
): Promise<ReportFile> {
  const hash = createHash('sha256');
  let size = 0;
  const measured = async function* (): AsyncGenerator<Uint8Array> {
    for await (const bytes of content) {
      hash.update(bytes);
      size += bytes.length;
      yield bytes;
    }
  };
  await sink.put(name, measured());
  return { name, mediaType, size, sha256: hash.digest('hex') };
}

/**
 * The files of finished reports in the data directory, each sealed with the key of the subject that it is about, so that they go when it
 * goes: a line for each piece, bound to its place.
 */
export class ReportFiles {
  constructor(private readonly dataDir: string) {}

  /** Written beside, synced, renamed: a file is whole or not there. */
  sealed(id: string, secretNow: () => Promise<Secret>): FileSink {
    return {
      put: async (name, content) => {
        const secret = await secretNow();
        await mkdir(this.folderOf(id), { recursive: true, mode: 0o700 });
        const beside = `${this.pathOf(id, name)}.new`;
        const handle = await open(beside, 'w', 0o600);
        try {
          let place = 0;
          for await (const piece of inPieces(content))
            await handle.write(`${seal(secret, contextOf(id, name, place++), piece)}\n`);
          await handle.sync();
        } catch (error) {
          await rm(beside, { force: true });
          throw error;
        } finally {
          await handle.close();
        }
        await rename(beside, this.pathOf(id, name));
        const folder = await open(this.folderOf(id), 'r');
        try {
          await folder.sync();
        } finally {
          await folder.close();
        }
      },
    };
  }

  /**
   * A file, opened piece by piece.
   *
   * @param secretOf the secret of a key id; null when it was destroyed
   * @returns null when its key was destroyed
   */
  async opened(
    id: string,
    { name, size }: ReportFile,
    secretOf: (keyId: string) => Promise<Secret | null>,
  ): Promise<AsyncGenerator<Buffer> | null> {
    const handle = await open(this.pathOf(id, name), 'r');
    const lines = handle.readLines()[Symbol.asyncIterator]();
    const first = await lines.next();
    if (first.done === true) return noPieces();
    const secret = await secretOf(keyIdOf(first.value));
    if (secret === null) {
      await handle.close();
      return null;
    }
    return (async function* () {
      let bytes = 0;
      let place = 0;
      for (let line: IteratorResult<string> = first; line.done !== true; line = await lines.next()) {
        const piece = unseal(secret, contextOf(id, name, place++), line.value);
        bytes += piece.length;
        yield piece;
      }
      if (bytes !== size) throw new Error(`the file ${name} of the report ${id} is cut off`);
    })();
  }

  async remove(id: string): Promise<void> {
    await rm(this.folderOf(id), { recursive: true, force: true });
  }

  private folderOf(id: string): string {
    return join(this.dataDir, 'reports', id);
  }

  private pathOf(id: string, name: string): string {
    return join(this.folderOf(id), `${name}.jwe`);
  }
}

function contextOf(id: string, name: string, place: number): string {
  return `${id}/${name}/${place}`;
}

async function* noPieces(): AsyncGenerator<Buffer> {}

async function* inPieces(content: AsyncIterable<Uint8Array>): AsyncGenerator<Buffer> {
  let waiting: Uint8Array[] = [];
  let bytes = 0;
  for await (const some of content)
    for (let at = 0; at < some.length;) {
      const part = some.subarray(at, at + PIECE_BYTES - bytes);
      waiting.push(part);
      bytes += part.length;
      at += part.length;
      if (bytes < PIECE_BYTES) continue;
      yield Buffer.concat(waiting);
      [waiting, bytes] = [[], 0];
    }
  if (bytes > 0) yield Buffer.concat(waiting);
}

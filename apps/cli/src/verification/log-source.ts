import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  textOf,
  TILE_WIDTH,
  tilePath,
  type LogSource,
  type LogWithLosses,
  type ReceiptSource,
} from '@sijill/transparency';

/** A log that cannot be read: not one that is wrong. */
export class LogUnreadable extends Error {
  override readonly name = 'LogUnreadable';
}

const LONGEST_ANSWER_MS = 30_000;

/** A log in a place, with what it has announced about its keys. */
export interface PlacedLog extends ReceiptSource, LogWithLosses {
  /** Whether it is the log itself that is asked, which says what is newest, and not a copy of it. */
  readonly isLive: boolean;
  keys(): Promise<string>;
}

/** A log in a folder (`checkpoint`, `tile/…`, `keys`, `receipt-keys`, `losses`, `former/…`) or below an address. */
export function logSource(place: string): PlacedLog {
  const isLive = /^https?:\/\//.test(place);
  const read = isLive ? overHttp(place.replace(/\/$/, '')) : fromFolder(place);
  const tileIn =
    (folder: string): LogSource['tile'] =>
    async (at, width) => {
      // Whoever kept a copy may have the tile as it was later, full.
      const part = tilePath({ ...at, width });
      return read(folder + part).catch((error: unknown) => {
        if (width === TILE_WIDTH) throw error;
        return read(folder + tilePath(at));
      });
    };
  return {
    isLive,
    checkpoint: async () => textOf(await read('checkpoint')),
    keys: async () => textOf(await read('keys')),
    receiptKeys: async () => textOf(await read('receipt-keys')),
    losses: async () => textOf(await read('losses')),
    tile: tileIn(''),
    formerTile: (losses) => tileIn(`former/${losses}/`),
  };
}

function fromFolder(folder: string): (path: string) => Promise<Uint8Array> {
  return async (path) => {
    try {
      return await readFile(join(folder, path));
    } catch (error) {
      throw new LogUnreadable(`${join(folder, path)} cannot be read (${(error as NodeJS.ErrnoException).code})`);
    }
  };
}

function overHttp(address: string): (path: string) => Promise<Uint8Array> {
  return async (path) => {
    const url = `${address}/${path}`;
    let response: Response;
    try {
      response = await fetch(url, { signal: AbortSignal.timeout(LONGEST_ANSWER_MS) });
    } catch {
      throw new LogUnreadable(`${url} cannot be reached`);
    }
    if (!response.ok) throw new LogUnreadable(`${url} answered ${response.status}`);
    return new Uint8Array(await response.arrayBuffer());
  };
}

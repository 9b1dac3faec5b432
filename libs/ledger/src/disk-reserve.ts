import { statfs } from 'node:fs/promises';
import { StoreFull, type EventStore } from '@sijill/event-store';

const LOOK_EVERY_MS = 500;

/**
 * Watches the disk that the embedded stores lie on. Below the reserve nothing more is taken in, while what little the reading of
 * people's data writes (each look-up is an entry) still has room: a full disk must not make the ledger unreadable.
 */
export class DiskReserve {
  #free = Infinity;
  #timer: NodeJS.Timeout | null = null;

  private constructor(
    private readonly folder: string,
    private readonly bytes: number,
  ) {}

  static async open(folder: string, bytes: number): Promise<DiskReserve> {
    const reserve = new DiskReserve(folder, bytes);
    await reserve.look();
    reserve.#timer = setInterval(() => void reserve.look(), LOOK_EVERY_MS).unref();
    return reserve;
  }

  /** The store, for those who fill it: appends are refused as by a full disk while only the reserve is left. */
  guard(store: EventStore): EventStore {
    return {
      kind: store.kind,
      append: async (...args) => {
        if (this.#free < this.bytes) {
          throw new StoreFull(`${this.folder} has ${this.#free} bytes left; SIJILL_DISK_RESERVE keeps ${this.bytes}`);
        }
        return store.append(...args);
      },
      readStream: (...args) => store.readStream(...args),
      readAll: (...args) => store.readAll(...args),
      readTexts: (...args) => store.readTexts(...args),
      head: () => store.head(),
      subscribeToAll: (...args) => store.subscribeToAll(...args),
      followTexts: (...args) => store.followTexts(...args),
      close: () => store.close(),
    };
  }

  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer);
  }

  private async look(): Promise<void> {
    try {
      const { bavail, bsize } = await statfs(this.folder);
      this.#free = bavail * bsize;
    } catch {
      // Not every file system tells. Then only the disk itself refuses.
      this.#free = Infinity;
    }
  }
}

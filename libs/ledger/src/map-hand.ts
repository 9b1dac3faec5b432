import { MapExtension, type MapHead, type MapStore } from '@sijill/notary';
import type { Config } from '@sijill/platform';
import type { Ledger } from './open-ledger.js';
import type { MapTask } from './map-thread.js';
import { Hand } from './thread-hand.js';

/** So many entries take a few hundredths of a second: less than a thread takes to start. */
const FEW = 2_000;
/** A thread that has had nothing to do for so long is let go, with its forty megabytes. */
const IDLE_MS = 3_000;

/** Extends the map of subjects: here when that is soon done, otherwise on a thread of its own, so that intake does not wait for it. */
export class MapHand {
  private readonly here: MapExtension;
  private readonly maps: MapStore;
  private readonly config: Config;
  private thread: Hand<MapTask, MapHead> | null = null;
  private idle: NodeJS.Timeout | undefined;

  constructor({ config, store, log, subjectMap }: Ledger) {
    this.config = config;
    this.maps = subjectMap;
    this.here = new MapExtension(store, log.store, subjectMap);
  }

  /** @throws StoreUnavailable | FormatInvalid the next call goes to a new thread */
  async extend(size: number): Promise<MapHead> {
    if (size - (await this.maps.head()).size <= FEW) return this.here.upTo(size);
    clearTimeout(this.idle);
    this.thread ??= new Hand(new URL('./map-thread.js', import.meta.url), this.config);
    try {
      const head = await this.thread.do({ size });
      this.idle = setTimeout(() => void this.close(), IDLE_MS).unref();
      return head;
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    clearTimeout(this.idle);
    const { thread } = this;
    this.thread = null;
    await thread?.dismiss();
  }
}

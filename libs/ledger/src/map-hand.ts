import type { MapHead } from '@sijill/notary';
import type { Config } from '@sijill/platform';
import type { MapTask } from './map-thread.js';
import { Hand } from './thread-hand.js';

/** Extends the map of subjects on a thread of its own, which is started when it is first needed. See `MapExtension`. */
export class MapHand {
  private hand: Hand<MapTask, MapHead> | null = null;

  constructor(private readonly config: Config) {}

  /** @throws StoreUnavailable | FormatInvalid the next call goes to a new thread */
  async extend(size: number): Promise<MapHead> {
    this.hand ??= new Hand(new URL('./map-thread.js', import.meta.url), this.config);
    try {
      return await this.hand.do({ size });
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    await this.hand?.dismiss();
    this.hand = null;
  }
}

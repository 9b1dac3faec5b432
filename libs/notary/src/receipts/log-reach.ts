import type { EventStore } from '@sijill/event-store';
import type { Clock } from '@sijill/platform';
import type { SignedCheckpoint } from '../log-store.js';

export interface LogReachOptions {
  readonly clock: Clock;
  /** The last checkpoint that is given away; null when there is none. */
  readonly published: () => Promise<SignedCheckpoint | null>;
}

/** Where the store ended at some time. */
interface Mark {
  readonly at: number;
  readonly head: number;
}

/**
 * How far a log is behind its store, as whoever reads it sees it: the end of the store is looked at, and whether the log has come to
 * where it was before. That tells a notary that is slow, stands still or is not there at all from one that has nothing to do.
 */
export class LogReach {
  /** Where the store ended when it was looked at first of those times which the log has not come to yet. */
  private mark: Mark | null = null;
  private reachedAt = Number.NEGATIVE_INFINITY;
  private checkpoint: SignedCheckpoint | null = null;

  constructor(
    private readonly store: Pick<EventStore, 'head'>,
    private readonly options: LogReachOptions,
  ) {}

  /** How many leaves the log was known to have, and the store position of the last of them. */
  get head(): Pick<SignedCheckpoint, 'size' | 'position'> {
    return this.checkpoint ?? { size: 0, position: 0 };
  }

  /** All that was stored so long ago, in milliseconds, is in the log; infinite as long as that is not known of any time. */
  behindMs(): number {
    return this.options.clock.now() - this.reachedAt;
  }

  /** @throws StoreUnavailable | DatabaseUnavailable */
  async look(): Promise<void> {
    const now: Mark = { at: this.options.clock.now(), head: await this.store.head() };
    this.checkpoint = await this.options.published();
    const { position } = this.head;
    const reached = [now, this.mark].find((mark) => mark !== null && mark.head <= position);
    if (reached === undefined || reached === null) {
      this.mark ??= now;
      return;
    }
    this.reachedAt = reached.at;
    this.mark = now;
  }
}

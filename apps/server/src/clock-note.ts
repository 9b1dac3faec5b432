import type { Clock, Config } from '@sijill/platform';

/** What has to be known of the ledger's clock by whoever believes the times in it. */
export interface ClockNoted {
  readonly aheadMs?: number;
  readonly behindMs?: number;
  readonly detail: string;
}

/** Tells when the clock is not to be believed: ahead of the machine's on purpose, or behind what the store had recorded at the start. */
export class ClockNote {
  /** @param recordedUntil when the last entry before this start was recorded, in milliseconds; null where there is none */
  constructor(
    private readonly clock: Clock,
    private readonly config: Pick<Config, 'clockAheadMs' | 'limits'>,
    private readonly recordedUntil: number | null,
  ) {}

  /** As a part of an answer; empty when there is nothing to tell. */
  now(): { readonly clock?: ClockNoted } {
    const aheadMs = this.config.clockAheadMs;
    const behindMs = (this.recordedUntil ?? 0) - this.clock.now();
    const isBehind = behindMs > this.config.limits.clockSkewSeconds * 1_000;
    const details = [
      ...(aheadMs > 0 ? ["the ledger's clock is ahead of the machine's (SIJILL_CLOCK)"] : []),
      ...(isBehind
        ? [
            'the clock is behind what the store has recorded: what is recorded now comes before it in time. Set the clock right (NTP)',
          ]
        : []),
    ];
    if (details.length === 0) return {};
    return {
      clock: {
        ...(aheadMs > 0 ? { aheadMs } : {}),
        ...(isBehind ? { behindMs } : {}),
        detail: details.join('; '),
      },
    };
  }
}

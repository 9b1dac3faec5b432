import { describeError, isoTime, type Clock, type Logger, type Metrics } from '@sijill/platform';
import { keepLooking } from '../keep-looking.js';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { askForTimeStamp } from './time-stamp-client.js';
import { NotStamped } from './time-stamp.js';

export interface TimeStampsOptions {
  /** Of the time stamp authority. */
  readonly url: string;
  /** The last checkpoint that is given away; null when there is none. */
  readonly published: () => Promise<SignedCheckpoint | null>;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
}

export interface TimeStampsHealth {
  /** Leaves that the last stamped checkpoint covers, when by this clock, and how long ago; null when none was. */
  readonly last: { readonly size: number; readonly stampedAt: string; readonly ageSeconds: number } | null;
  /** Why the authority has not stamped when it was last asked; null when it has. */
  readonly failure: string | null;
  readonly failingSince: string | null;
}

const EVERY_MS = 3_600_000;
const LOOK_MS = 500;
const PAUSES_MS = { first: 1_000, longest: 300_000 };

/**
 * Has an authority stamp the newest published checkpoint, at most once an hour, and keeps what it answers. Nobody waits for it:
 * whatever it does, checkpoints are signed and published.
 */
export class TimeStamps {
  private last: { readonly size: number; readonly stampedAt: string } | null = null;
  private failure: string | null = null;
  private failingSince: string | null = null;

  constructor(
    private readonly log: LogStore,
    private readonly options: TimeStampsOptions,
  ) {}

  get health(): TimeStampsHealth {
    const { failure, failingSince } = this;
    if (this.last === null) return { last: null, failure, failingSince };
    const { size, stampedAt } = this.last;
    const ageSeconds = Math.round((this.options.clock.now() - Date.parse(stampedAt)) / 1000);
    return { last: { size, stampedAt, ageSeconds }, failure, failingSince };
  }

  /** Asks until the signal is aborted. */
  run(signal: AbortSignal): Promise<void> {
    const look = async (): Promise<void> => {
      await this.look(signal);
      this.note(null);
    };
    const onFailure = (error: unknown): void => {
      const failure = error instanceof NotStamped ? error.message : describeError(error).type;
      if (failure !== this.failure) this.options.logger.error({ failure }, 'the time stamp authority does not stamp');
      this.note(failure);
    };
    return keepLooking({ look, everyMs: LOOK_MS, pausesMs: PAUSES_MS, onFailure }, signal);
  }

  private async look(signal: AbortSignal): Promise<void> {
    const { url, published, clock } = this.options;
    this.last = await this.log.lastStamped();
    if (this.last !== null) {
      const age = clock.now() - Date.parse(this.last.stampedAt);
      // A stamp from the future is one of a clock that was put right since.
      if (age >= 0 && age < EVERY_MS) return;
    }
    const checkpoint = await published();
    if (checkpoint === null || checkpoint.size <= (this.last?.size ?? -1)) return;
    const { size, note } = checkpoint;
    const answer = await askForTimeStamp(url, note, signal);
    const stamped = { size, note, answer, stampedAt: isoTime(clock.now()) };
    await this.log.addTimeStamp(stamped);
    this.last = stamped;
  }

  private note(failure: string | null): void {
    const { clock, metrics } = this.options;
    this.failure = failure;
    this.failingSince = failure === null ? null : (this.failingSince ?? isoTime(clock.now()));
    metrics.timeStampFailing.set(failure === null ? 0 : 1);
    if (this.last !== null) metrics.timeStamped.set(Date.parse(this.last.stampedAt) / 1000);
  }
}

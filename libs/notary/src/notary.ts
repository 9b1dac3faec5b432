import { setTimeout as pause } from 'node:timers/promises';
import type { EntryText, EventStore } from '@sijill/event-store';
import { backOff, describeError, within, type Claim, type Clock, type Logger, type Metrics } from '@sijill/platform';
import { GrowingLog } from './growing-log.js';
import type { LogSigner } from './log-signer.js';
import type { LogStore } from './log-store.js';
import { assertSignedPast, SignedPastLost } from './signed-past.js';

/**
 * `standing by`: another notary has the log. `failing`: store or database is out of reach, it is tried again. `refusing`: the store
 * does not hold what was signed; a person has to look.
 */
export type NotaryState = 'stopped' | 'standing by' | 'running' | 'failing' | 'refusing';

export interface NotaryHealth {
  readonly state: NotaryState;
  readonly detail: string | null;
}

export interface NotaryOptions {
  /** Of all notaries of one log, the one that has it makes the log grow. */
  readonly claim: Claim;
  readonly signer: LogSigner;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** A checkpoint is signed at most so often, in milliseconds: 1,000. */
  readonly signEveryMs?: number;
}

const PAUSES_MS = { first: 200, longest: 10_000 };
const STAND_BY_MS = 1_000;
const BATCH = 2_000;
/** Tiles are committed at the latest with so many leaves, signed or not. */
const MOST_PENDING = 20_000;
/** So many of the last leaves are compared with the store before anything more is signed: a fraction of a second. */
const COMPARED = 65_536;

/**
 * Keeps the log: follows the store, makes each entry a leaf in the order of the store, and signs what the tree has become. Several
 * may run beside one store and database; one of them has the claim, the others stand by, and the database lets none of two grow the
 * log from the same place.
 */
export class Notary {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  private status: NotaryHealth = { state: 'stopped', detail: null };
  private signedAt = Number.NEGATIVE_INFINITY;
  private readonly signEveryMs: number;

  constructor(
    private readonly store: EventStore,
    private readonly log: LogStore,
    private readonly options: NotaryOptions,
  ) {
    this.signEveryMs = options.signEveryMs ?? 1_000;
  }

  get health(): NotaryHealth {
    return this.status;
  }

  start(): void {
    this.running ??= this.run();
  }

  /** Signs what was taken in, and stops. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.options.claim.release();
    this.become('stopped', null);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { logger, claim } = this.options;
    for (let failures = 0; !signal.aborted;) {
      const lost = new AbortController();
      try {
        if (!(await claim.take(() => lost.abort()))) {
          this.become('standing by', 'another process keeps the log');
          await wait(STAND_BY_MS, signal);
          continue;
        }
        await assertSignedPast(this.store, this.log, COMPARED);
        this.become('running', null);
        await this.follow(AbortSignal.any([signal, lost.signal]), () => (failures = 0));
      } catch (error) {
        if (error instanceof SignedPastLost) {
          this.become('refusing', error.message);
          logger.fatal({ err: error }, 'the notary signs nothing more: the store does not hold what was signed');
          // Each notary looks for itself: one whose store is whole may go on.
          return await claim.release();
        }
        this.become('failing', describeError(error).type);
        logger.error({ err: error }, 'the notary stopped; it will be tried again');
        await claim.release();
        await wait(backOff(failures++, PAUSES_MS), signal);
      }
    }
  }

  /** Lets the log grow behind the store until the signal is aborted; what was taken in by then is signed. */
  private async follow(until: AbortSignal, onCommit: () => void): Promise<void> {
    const left = new AbortController();
    try {
      await this.grow(AbortSignal.any([until, left.signal]), onCommit);
    } finally {
      left.abort();
    }
  }

  private async grow(signal: AbortSignal, onCommit: () => void): Promise<void> {
    const log = await GrowingLog.resume(this.log, this.options.clock);
    this.options.metrics.logSize.set(log.head.size);
    // What a notary before this one has committed and not signed is signed with the next leaves, or now.
    const signed = (await this.log.checkpoint())?.size ?? 0;
    let unsigned = log.head.size > signed;
    const entries = this.store
      .followTexts({ after: log.head.position, batchSize: BATCH, signal })
      [Symbol.asyncIterator]();
    let next: Promise<IteratorResult<EntryText[]>> | null = null;
    for (;;) {
      next ??= entries.next();
      const due = unsigned ? Math.max(0, this.signedAt + this.signEveryMs - Date.now()) : Number.POSITIVE_INFINITY;
      const came = due === Number.POSITIVE_INFINITY ? await next : await within(due, next, () => null);
      if (came !== null) {
        next = null;
        if (came.done === true) break;
        log.add(came.value);
        unsigned = true;
      }
      const isDue = unsigned && Date.now() >= this.signedAt + this.signEveryMs;
      if (isDue) {
        await this.commit(log, true);
        unsigned = false;
        onCommit();
      } else if (log.pending >= MOST_PENDING) await this.commit(log, false);
    }
    // One that has lost its claim leaves that to whoever has it now.
    if (unsigned && this.stopping.signal.aborted) await this.commit(log, true);
  }

  private async commit(log: GrowingLog, sign: boolean): Promise<void> {
    const { metrics, signer } = this.options;
    const checkpoint = await log.commit(sign ? signer : null);
    metrics.logSize.set(log.head.size);
    if (checkpoint === null) return;
    this.signedAt = Date.now();
    metrics.checkpointSize.set(checkpoint.size);
    metrics.checkpointSigned.set(this.options.clock.now() / 1000);
  }

  private become(state: NotaryState, detail: string | null): void {
    this.status = { state, detail };
    this.options.metrics.notaryRefusing.set(state === 'refusing' ? 1 : 0);
  }
}

async function wait(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}

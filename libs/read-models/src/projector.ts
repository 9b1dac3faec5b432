import { setTimeout } from 'node:timers/promises';
import type { EventStore } from '@sijill/event-store';
import { describeError, type Logger, type Metrics } from '@sijill/platform';
import type { ReadModels } from './read-models.js';

export type ProjectorState = 'stopped' | 'running' | 'failing';

const LONGEST_PAUSE_MS = 10_000;
const BATCH = 500;
// Events that come one by one would pay for one transaction each, on the thread that takes them in: behind a small batch the
// projector lets a few more come. Senders of single events got 1.3 to 1.8 times as many through.
const SMALL_BATCH = 100;
const GATHER_MS = 10;

/** Follows the store and keeps the read models at its end. */
export class Projector {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  private status: { state: ProjectorState; detail: string | null } = { state: 'stopped', detail: null };

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {}

  get health(): { state: ProjectorState; detail: string | null } {
    return this.status;
  }

  start(): void {
    this.running ??= this.follow();
  }

  /** Finishes the batch in hand and stops. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    this.status = { state: 'stopped', detail: null };
  }

  /** A batch that fails is tried again from the committed position: it stops alone, visibly, and goes on after a fix. */
  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        const { position } = await this.readModels.asOf();
        this.status = { state: 'running', detail: null };
        for await (const batch of this.store.subscribeToAll({ after: position, batchSize: BATCH, signal })) {
          const reached = batch.at(-1)!.position;
          this.metrics.storePosition.set(reached);
          await this.readModels.apply(batch);
          failures = 0;
          this.metrics.projectionPosition.set(reached);
          if (batch.length < SMALL_BATCH) await pause(GATHER_MS, signal);
        }
      } catch (error) {
        const { type } = describeError(error);
        this.status = { state: 'failing', detail: type };
        this.logger.error({ err: error }, 'the projection stopped; it will be tried again');
        await pause(Math.min(LONGEST_PAUSE_MS, 100 * 2 ** Math.min(failures++, 10)), signal);
      }
    }
  }
}

/** Waits; an abort ends the wait. */
async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  await setTimeout(milliseconds, undefined, { signal }).catch(() => undefined);
}

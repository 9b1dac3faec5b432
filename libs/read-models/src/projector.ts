import { EntriesHidden, PositionNotFound, type EventStore, type StoredEntry } from '@sijill/event-store';
import { backOff, describeError, rest, type Logger, type Metrics } from '@sijill/platform';
import { heldBack } from './progress.js';
import { ProjectionFailed } from './projection-failed.js';
import type { ReadModels } from './read-models.js';
import { READ_MODEL_NAMES, type ReadModelName } from './tables.js';

/**
 * `behind`: some read models stopped, the others go on. `failing`: none can, because store or database is out of reach, or the store
 * has lost entries.
 */
export type ProjectorState = 'stopped' | 'running' | 'behind' | 'failing';

export interface ProjectorHealth {
  readonly state: ProjectorState;
  /** Which read models stopped, where, and over what kind of error. */
  readonly detail: string | null;
}

const PAUSES_MS = { first: 100, longest: 10_000 };
const BATCH = 500;
// Events that come one by one would pay for one transaction each, on the thread that takes them in: behind a small batch the
// projector lets a few more come. Senders of single events got 1.3 to 1.8 times as many through.
const SMALL_BATCH = 100;
const GATHER_MS = 10;

/**
 * Follows the store and keeps the read models at its end.
 *
 * All that work follow together. One that throws stays where it is, and is tried again from there, beside the others and with
 * growing pauses; once it has caught up, all follow together again. So it needs no restart after a fix of what it met.
 */
export class Projector {
  private readonly stopping = new AbortController();
  /** The read models that threw, and what to tell about it. */
  private readonly failing = new Map<ReadModelName, string>();
  private round = new AbortController();
  private outage: string | null = null;
  private running: Promise<void> | null = null;
  private mending: Promise<void> | null = null;

  constructor(
    private readonly store: EventStore,
    private readonly readModels: ReadModels,
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {}

  get health(): ProjectorHealth {
    if (this.running === null || this.stopping.signal.aborted) return { state: 'stopped', detail: null };
    if (this.outage !== null) return { state: 'failing', detail: this.outage };
    if (this.failing.size === 0) return { state: 'running', detail: null };
    const details = [...this.failing].map(([name, detail]) => `${name} ${detail}`);
    const waits = [...heldBack(this.failing.keys())].flatMap(([name, waitsFor]) =>
      this.failing.has(name) ? [] : [`${name} waits for ${waitsFor.join(' and ')}`],
    );
    return { state: 'behind', detail: [...details, ...waits].join('; ') };
  }

  start(): void {
    this.running ??= this.follow();
  }

  /** Finishes the batch in hand and stops. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.mending;
  }

  private async follow(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; !signal.aborted;) {
      try {
        this.round = new AbortController();
        const ended = AbortSignal.any([signal, this.round.signal]);
        const start = await this.startingPoint();
        this.outage = null;
        if (start === null) {
          await rest(PAUSES_MS.longest, ended);
          continue;
        }
        let after = start;
        for await (const batch of this.store.subscribeToAll({ after, batchSize: BATCH, signal: ended })) {
          const reached = batch.at(-1)!.position;
          this.metrics.storePosition.set(reached);
          await this.apply(batch, after);
          after = reached;
          failures = 0;
          if (batch.length < SMALL_BATCH) await rest(GATHER_MS, ended);
        }
      } catch (error) {
        // What the store has lost is told as it is; it holds nobody's data.
        const isLost = error instanceof EntriesHidden || error instanceof PositionNotFound;
        this.outage = isLost ? error.message : describeError(error).type;
        this.logger.error({ err: error }, 'the projection stopped; it will be tried again');
        await rest(backOff(failures++, PAUSES_MS), signal);
      }
    }
  }

  /** Where the hindmost of those stands that can move; null when none can, until one goes on and ends the round. */
  private async startingPoint(): Promise<number | null> {
    for (const [name, position] of await this.readModels.positions())
      this.metrics.projectionPosition.set({ read_model: name }, position);
    return this.readModels.startBeside(this.failing.keys());
  }

  private async apply(batch: readonly StoredEntry[], after: number): Promise<void> {
    try {
      await this.readModels.apply(batch, after);
    } catch (error) {
      if (!(error instanceof ProjectionFailed)) throw error;
      await this.note(error);
      this.mending ??= this.mend();
      // The others may be far ahead of it: they begin anew where they stand.
      this.round.abort();
      return;
    }
    const reached = batch.at(-1)!.position;
    const still = heldBack(this.failing.keys());
    for (const name of READ_MODEL_NAMES)
      if (!still.has(name)) this.metrics.projectionPosition.set({ read_model: name }, reached);
  }

  private async note({ stopped }: ProjectionFailed): Promise<void> {
    const positions = await this.readModels.positions();
    for (const { name, error } of stopped) {
      const position = positions.get(name)!;
      this.failing.set(name, `stopped at position ${position} (${describeError(error).type})`);
      this.metrics.projectionFailing.set({ read_model: name }, 1);
      this.metrics.projectionPosition.set({ read_model: name }, position);
      this.logger.error({ err: error, readModel: name, position }, 'a read model stopped; it will be tried again');
    }
  }

  /** Tries those that threw, again and again, until none is left. */
  private async mend(): Promise<void> {
    const { signal } = this.stopping;
    for (let failures = 0; this.failing.size > 0;) {
      await rest(backOff(failures++, PAUSES_MS), signal);
      if (signal.aborted) return;
      const tried = [...this.failing.keys()];
      let stopped: ReadonlySet<ReadModelName> = new Set();
      try {
        await this.readModels.catchUp(this.store, undefined, signal);
      } catch (error) {
        // Store or database are out of reach: the follower tells about that.
        if (!(error instanceof ProjectionFailed)) continue;
        await this.note(error).catch(() => undefined);
        stopped = new Set(error.stopped.map(({ name }) => name));
      }
      for (const name of tried) if (!stopped.has(name) && !signal.aborted) this.goOn(name);
    }
    this.mending = null;
  }

  /** From now on it follows with the others again: the next round begins where the hindmost stands. */
  private goOn(name: ReadModelName): void {
    this.failing.delete(name);
    this.metrics.projectionFailing.set({ read_model: name }, 0);
    this.logger.info({ readModel: name }, 'a read model goes on');
    this.round.abort();
  }
}

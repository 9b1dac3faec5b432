import { appendBehind, laneEnd, type AuthenticStore } from '@sijill/event-store';
import { describeError, type Clock, type Logger, type Metrics } from '@sijill/platform';
import { FormatInvalid, MAP_LANE, sameBytes } from '@sijill/transparency';
import { keepLooking } from '../keep-looking.js';
import type { LogStore } from '../log-store.js';
import { MapExtension } from './extend-map.js';
import type { MapHead, MapStore } from './map-store.js';
import { announcedIn, mapEntry } from './subject-map-entry.js';

export interface MapKeeperOptions {
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** The map is extended and written into the log at most so often, unless somebody waits for it, in milliseconds: a minute. */
  readonly everyMs?: number;
}

const LOOK_MS = 200;
/** The map is extended sooner when it is so many leaves behind. */
const MOST_BEHIND = 200_000;
/** What a notary that stops still adds: a second's work. */
const LAST_LEAVES = 50_000;
/** Whoever stops a keeper waits for no more than this. */
const PORTION = 20_000;
const PAUSES_MS = { first: 500, longest: 30_000 };

/**
 * Keeps the map of all subjects behind the log, and writes what it is into the log, as an entry of a lane that has nothing else. The
 * store lets only the next one in there, so that of two keepers none can write an older map behind a newer one.
 *
 * The log does not wait for it, and goes on without it when it fails.
 */
export class MapKeeper {
  private hurrying = false;
  private failure: string | null = null;
  private running: Promise<void> = Promise.resolve();
  private extendedAt = Number.NEGATIVE_INFINITY;
  private readonly extension: MapExtension;
  private readonly everyMs: number;

  constructor(
    private readonly store: AuthenticStore,
    private readonly log: LogStore,
    private readonly maps: MapStore,
    private readonly options: MapKeeperOptions,
  ) {
    this.extension = new MapExtension(store, log, maps);
    this.everyMs = options.everyMs ?? 60_000;
  }

  /** What keeps the map from being extended; null when nothing does. */
  get detail(): string | null {
    return this.failure;
  }

  /** Somebody waits for the map to cover entries that the log has not committed yet. */
  get hurries(): boolean {
    return this.hurrying;
  }

  /** Keeps the map until the signal is aborted. */
  run(signal: AbortSignal): Promise<void> {
    const look = async (): Promise<void> => {
      if (await this.isDue()) await this.bringUp(signal);
      this.fail(null);
    };
    const everyMs = Math.min(LOOK_MS, this.everyMs);
    const onFailure = (error: unknown): Promise<void> => this.recover(error);
    return (this.running = keepLooking({ look, everyMs, pausesMs: PAUSES_MS, onFailure }, signal));
  }

  /** Once it no longer runs: brings the map up to the log's end, if that is soon done, so that a ledger at rest is proven whole. */
  async finish(): Promise<void> {
    await this.running;
    try {
      const [head, end] = [await this.maps.head(), await this.log.head()];
      if (end.size - head.size <= LAST_LEAVES) await this.bringUp(new AbortController().signal);
    } catch (error) {
      await this.recover(error);
    }
  }

  private async isDue(): Promise<boolean> {
    const [head, end] = [await this.maps.head(), await this.log.head()];
    this.hurrying = head.wanted > end.position;
    const waited = head.wanted > head.position && !this.hurrying;
    const behind = end.size - head.size;
    return behind > 0 && (waited || behind >= MOST_BEHIND || Date.now() >= this.extendedAt + this.everyMs);
  }

  private async bringUp(signal: AbortSignal): Promise<void> {
    const { size: end } = await this.log.head();
    let head = await this.maps.head();
    for (let before = -1; head.size !== end;) {
      if (signal.aborted || head.size === before) return;
      before = head.size;
      head = await this.extension.upTo(Math.min(end, head.size + PORTION));
      this.options.metrics.mapSize.set(head.size);
    }
    this.extendedAt = Date.now();
    await this.announce(head);
  }

  /** A map that no entry of anybody has changed since is the one that the log has already. */
  private async announce(head: MapHead): Promise<void> {
    const end = await laneEnd(this.store, MAP_LANE);
    const last = end.entry === null ? null : announcedIn(end.entry);
    if (head.chains === 0 || (last !== null && (last.size >= head.size || sameBytes(last.root, head.root)))) return;
    await appendBehind(this.store, MAP_LANE, end, [mapEntry(head, this.options.clock.now())]);
  }

  /** A damaged map is made anew: nothing is in it that is not in the log. */
  private async recover(error: unknown): Promise<void> {
    const { type } = describeError(error);
    this.fail(type);
    this.options.logger.error({ err: error }, 'the map of subjects could not be extended; it will be tried again');
    if (!(error instanceof FormatInvalid) && !(error instanceof RangeError)) return;
    this.options.logger.error('the map of subjects is damaged, and is made anew from the log');
    await this.maps.clear().catch(() => undefined);
  }

  private fail(failure: string | null): void {
    this.failure = failure;
    this.options.metrics.mapFailing.set(failure === null ? 0 : 1);
  }
}

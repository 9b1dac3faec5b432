import {
  httpLane,
  Lane,
  laneLost,
  type Appended,
  type EventStore,
  type NewEntry,
  type WrittenEntry,
} from '@sijill/event-store';
import type { Claim, Logger } from '@sijill/platform';

/** Another server has the HTTP lane of this node id; nothing of this is stored. */
export class LaneElsewhere extends Error {
  override readonly name = 'LaneElsewhere';
}

export interface HttpLaneOptions {
  readonly nodeId: string;
  /** What the servers of one node id compete for. */
  readonly claim: Claim;
  readonly logger: Logger;
  /** Bytes of entries that may wait for the store. */
  readonly pendingBytes: number;
  /** How often a server without the lane asks for it again, in milliseconds: 1000. */
  readonly retryMs?: number;
}

/**
 * The HTTP lane of one node id, written by the one server that has its claim.
 *
 * A second server of the same node id does not write: it says so, asks again, and takes over when the first is gone. Should both
 * believe that they have the claim (a database that lost a session and told only one of them), the store keeps them apart: the
 * one whose expected revision is old stops, and asks anew.
 */
export class HttpLane {
  private lane: Lane | null = null;
  private taking: Promise<void> | null = null;
  private timer: NodeJS.Timeout | null = null;
  private closed = false;
  /** What keeps this server from the lane; null when nothing does. */
  private why: Error | null = new LaneElsewhere('not taken up yet');
  /** The last revision of the lane that this server knows to be stored. */
  private written = -1;

  private constructor(
    private readonly store: EventStore,
    private readonly options: HttpLaneOptions,
  ) {}

  /**
   * Takes up the lane, or begins to wait for it.
   *
   * @throws StoreUnavailable | DatabaseUnavailable
   */
  static async open(store: EventStore, options: HttpLaneOptions): Promise<HttpLane> {
    const http = new HttpLane(store, options);
    await http.take();
    const timer = setInterval(() => http.retake(), options.retryMs ?? 1000);
    timer.unref();
    http.timer = timer;
    return http;
  }

  /** Why nothing can be stored through this lane now, or null. */
  get failure(): string | null {
    const failure = this.why ?? this.lane?.failure ?? null;
    if (failure === null) return null;
    return failure instanceof LaneElsewhere ? failure.message : `${failure.name}: ${failure.message}`;
  }

  /** See `Lane.append`. @throws LaneElsewhere, or what keeps this server from the lane */
  async append(entries: readonly (NewEntry | WrittenEntry)[]): Promise<Appended> {
    if (this.lane === null) throw this.why!;
    const appended = await this.lane.append(entries);
    this.written = Math.max(this.written, appended.revision);
    return appended;
  }

  /** Lets what was handed over become durable, see `Lane.close`, and leaves the lane to the next. */
  async close(patienceMs?: number): Promise<void> {
    this.closed = true;
    if (this.timer !== null) clearInterval(this.timer);
    await this.taking?.catch(() => undefined);
    await this.lane?.close(patienceMs);
    await this.options.claim.release();
  }

  private retake(): void {
    if (this.closed || this.taking !== null || (this.lane !== null && this.lane.failure === null)) return;
    this.taking = this.take()
      .catch((error: unknown) => {
        const before = this.failure;
        this.why = error as Error;
        if (this.failure !== before)
          this.options.logger.warn({ err: error, lane: 'http' }, 'the lane cannot be taken up; it is tried again');
      })
      .finally(() => (this.taking = null));
  }

  private async take(): Promise<void> {
    const { claim, nodeId, pendingBytes, logger } = this.options;
    // A lane that has stopped leaves its claim, so that whoever stopped it may have it.
    if (this.lane !== null) {
      this.why ??= this.lane.failure;
      this.lane = null;
      await claim.release();
    }
    const mine = await claim.take(() => {
      this.why = new LaneElsewhere('the claim on the lane was lost with the connection to the database');
      this.lane?.abandon();
      logger.warn({ lane: 'http' }, this.why.message);
    });
    if (!mine) {
      const why = `another server has the node id ${nodeId}; give each its own SIJILL_NODE_ID, or stop the other`;
      if (this.why?.message !== why) logger.warn({ lane: 'http' }, why);
      this.why = new LaneElsewhere(why);
      return;
    }
    const name = httpLane(nodeId);
    const lane = await Lane.open(this.store, name, {
      onOtherWriter: 'stop',
      whenFull: 'refuse',
      byteBudget: pendingBytes,
      onRetry: (reason) => logger.warn({ lane: 'http', reason }, 'an append has to be tried again'),
    });
    // What was acknowledged is not there: writing on would hide it.
    const end = lane.endAtOpening?.revision ?? -1;
    if (end < this.written) throw laneLost(name, end, this.written);
    this.lane = lane;
    this.why = null;
    logger.info({ lane: 'http' }, 'the HTTP lane is taken up');
  }
}

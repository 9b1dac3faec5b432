import { leafHashOf, type EntryText, type LaneRevisions } from '@sijill/event-store';
import { isoTime, type Clock } from '@sijill/platform';
import { TILE_WIDTH, TreeGrowth } from '@sijill/transparency';
import type { LogSigner } from './log-signer.js';
import type { LogHead, LogStore, SignedCheckpoint } from './log-store.js';

/**
 * The log as it grows: leaves are added in memory, then committed with their tiles and, when asked, a checkpoint.
 *
 * After a commit that failed it is of no more use: it has leaves that the store may or may not have. It is resumed anew.
 */
export class GrowingLog {
  /** How far the leaves that are not committed have moved each lane. */
  private readonly moved = new Map<string, number>();

  private constructor(
    private readonly store: LogStore,
    private readonly growth: TreeGrowth,
    private committed: LogHead,
    /** Store positions of the leaves, from the first of the tile of level 0 that was not full when it was committed. */
    private positions: number[],
    private readonly lanes: LaneRevisions,
    private readonly clock: Clock,
  ) {}

  /** Goes on from what was committed. */
  static async resume(store: LogStore, clock: Clock): Promise<GrowingLog> {
    const head = await store.head();
    const growth = TreeGrowth.from(BigInt(head.size), await store.edges(head.size));
    const width = head.size % TILE_WIDTH;
    const edge = width === 0 ? [] : await store.positionsOf(Math.floor(head.size / TILE_WIDTH));
    if (edge.length !== width) throw new RangeError('the positions of the tile at the edge are not whole');
    return new GrowingLog(store, growth, head, edge, await store.lanes(), clock);
  }

  /** What is committed. */
  get head(): LogHead {
    return this.committed;
  }

  /** Leaves that are added and not committed. */
  get pending(): number {
    return Number(this.growth.size) - this.committed.size;
  }

  /**
   * Adds entries in the order of the store. Each becomes the next leaf.
   *
   * @throws LaneGap entries are missing before one of these; none of these is added
   */
  add(entries: readonly EntryText[]): void {
    for (const [lane, revision] of this.lanes.take(entries)) this.moved.set(lane, revision);
    for (const entry of entries) {
      this.growth.add(Buffer.from(leafHashOf(entry), 'hex'));
      this.positions.push(entry.position);
    }
  }

  /**
   * Commits tiles, size and position, and the checkpoint with them when a signer is given.
   *
   * @throws HeadMoved another notary has made the log grow
   * @throws SignerFailed it cannot be signed now; nothing is committed
   */
  async commit(signer: LogSigner | null): Promise<SignedCheckpoint | null> {
    const to = { size: Number(this.growth.size), position: this.positions.at(-1) ?? this.committed.position };
    let checkpoint: SignedCheckpoint | null = null;
    if (signer !== null) {
      const root = this.growth.root();
      checkpoint = {
        ...to,
        root,
        signedAt: isoTime(this.clock.now()),
        note: await signer.sign(this.growth.size, root),
      };
    }
    const tiles = this.growth.takeChanged();
    await this.store.grow({
      ...{ from: this.committed, to, tiles, checkpoint },
      positions: this.positions,
      lanes: this.moved,
    });
    this.moved.clear();
    this.committed = to;
    this.positions = this.positions.slice(this.positions.length - (to.size % TILE_WIDTH));
    return checkpoint;
  }
}

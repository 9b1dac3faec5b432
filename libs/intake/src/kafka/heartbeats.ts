const INTERVAL_MS = 1_000;

/** What the coordinator answers to one that is no member any more; the client joins anew after each. */
const NO_MEMBER = ['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'NOT_COORDINATOR_FOR_GROUP'];

/**
 * Signs of life to the group for as long as a batch is in hand.
 *
 * A coordinator that cannot be reached says nothing about membership: the batch goes on, and should another have the partition
 * by now, the store keeps the two apart.
 */
export class Heartbeats {
  private readonly timer: NodeJS.Timeout;
  private lost: Error | null = null;

  /**
   * @param heartbeat sends one
   * @param onLost    called once, when the group has gone on without this member
   */
  constructor(
    private readonly heartbeat: () => Promise<void>,
    private readonly onLost: () => void,
  ) {
    this.timer = setInterval(() => void this.beat(), INTERVAL_MS);
  }

  /** Why this is no member of the group any more, or null. */
  get failure(): Error | null {
    return this.lost;
  }

  stop(): void {
    clearInterval(this.timer);
  }

  private async beat(): Promise<void> {
    try {
      await this.heartbeat();
    } catch (error) {
      if (this.lost !== null || !NO_MEMBER.includes((error as { type?: string }).type ?? '')) return;
      this.lost = error as Error;
      this.stop();
      this.onLost();
    }
  }
}

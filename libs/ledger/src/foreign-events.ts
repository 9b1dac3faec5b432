import type { Logger, Metrics } from '@sijill/platform';

/** Where an event stands that the ledger has not written. */
interface Foreign {
  readonly stream: string;
  readonly revision: number;
  readonly position: number;
  readonly unknownKey?: string;
}

/**
 * Counts the events in the ledger's streams that somebody else has put there. They are lines of nothing and stop nobody; whoever runs the
 * ledger has to hear of them. Several parts of a process read the store, each in its order: each event counts once.
 */
export class ForeignEvents {
  private counted = 0;
  private last: Foreign | null = null;

  constructor(
    private readonly metrics: Metrics,
    private readonly logger: Logger,
  ) {}

  /** For health answers: how many this process has met, and where the last of them stands; null when there is none. */
  get detail(): string | null {
    if (this.last === null) return null;
    const { stream, revision, unknownKey } = this.last;
    const events = this.counted === 1 ? '1 event stands' : `${this.counted} events stand`;
    const key = unknownKey === undefined ? '' : `, under a key ${unknownKey} that this ledger does not have`;
    return `${events} in the ledger's streams that this ledger did not write, the last at ${stream}@${revision}${key}; find out who may write there`;
  }

  /** @param events in the order of the store */
  note(events: readonly Foreign[]): void {
    const fresh = events.filter(({ position }) => position > (this.last?.position ?? 0));
    for (const { stream, revision, position, unknownKey } of fresh) {
      this.last = { stream, revision, position, ...(unknownKey === undefined ? {} : { unknownKey }) };
      this.logger.error({ ...this.last }, 'an event in a stream of the ledger is not one of its own');
    }
    this.counted += fresh.length;
    this.metrics.foreignEntries.inc(fresh.length);
  }
}

import { END, type EventStoreDBClient } from '@eventstore/db-client';
import { events } from './log-reading.js';
import { isOfLedger, rawEvent } from './recorded-entry.js';

/**
 * The end of the ledger in a log that others write to as well. It is looked for backwards, and what lies behind it can be any number of
 * their events: so none is looked at twice.
 */
export class LogHead {
  /** The position of the last entry among all events up to `looked`; 0 when there is none. */
  #last = 0;
  /** Up to there every event is known. */
  #looked = -1n;

  constructor(
    private readonly client: EventStoreDBClient,
    private readonly prefix: string,
  ) {}

  /** Up to there every event is known: what is appended from now on comes to stand behind it. */
  get looked(): bigint {
    return this.#looked;
  }

  /** An entry stands there, as was seen when it was appended or read. */
  note(position: number): void {
    this.#advance(BigInt(position), position);
  }

  /** The position of the ledger's last event, 0 when there is none. @throws StoreUnavailable */
  async position(): Promise<number> {
    const read = () => this.client.readAll({ fromPosition: END, direction: 'backwards', requiresLeader: true });
    const looked = this.#looked;
    let end: bigint | null = null;
    for await (const event of events(read, '$all')) {
      const at = event.position?.commit ?? -1n;
      if (end === null && at < looked) this.#forget();
      end ??= at;
      if (at <= this.#looked) break;
      if (!isOfLedger(event, this.prefix)) continue;
      const { position } = rawEvent(event);
      this.#advance(end, position);
      return position;
    }
    if (end !== null) this.#advance(end, this.#last);
    else if (looked >= 0n) this.#forget();
    return this.#last;
  }

  /** A log that ends before what was seen of it is not the one that it was. */
  #forget(): void {
    this.#looked = -1n;
    this.#last = 0;
  }

  #advance(looked: bigint, last: number): void {
    if (looked <= this.#looked) return;
    this.#looked = looked;
    this.#last = last;
  }
}

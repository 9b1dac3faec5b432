import {
  appendBehind,
  entryText,
  laneEnd,
  leafText,
  ledgerEntry,
  WrongExpectedRevision,
  type EventStore,
} from '@sijill/event-store';
import type { Clock } from '@sijill/platform';
import {
  formatVerifierKey,
  RECEIPT_KEY_INTRODUCED,
  RECEIPT_KEYS_LANE,
  type ProvenAnnouncement,
  type VerifierKey,
} from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from '../log-store.js';
import { proveEntry } from '../prove.js';
import { entriesOfLane } from '../store-entries.js';

export interface ReceiptKeysOptions {
  readonly clock: Clock;
  /** The last checkpoint that is given away; null when there is none. */
  readonly published: () => Promise<SignedCheckpoint | null>;
}

/** The keys that a log has announced for its receipts. */
export class ReceiptKeys {
  constructor(
    private readonly store: EventStore,
    private readonly log: LogStore,
    private readonly options: ReceiptKeysOptions,
  ) {}

  /**
   * Announces a key, once, whoever else does at the same time.
   *
   * @returns the store position of the announcement
   * @throws StoreUnavailable | OutcomeUnknown | StoreRefused
   */
  async announce(key: VerifierKey): Promise<number> {
    const text = formatVerifierKey(key);
    for (;;) {
      const end = await laneEnd(this.store, RECEIPT_KEYS_LANE);
      for await (const { data, position } of entriesOfLane(this.store, RECEIPT_KEYS_LANE))
        if (data['key'] === text) return position;
      const entry = ledgerEntry(RECEIPT_KEY_INTRODUCED, this.options.clock.now(), { key: text });
      try {
        return (await appendBehind(this.store, RECEIPT_KEYS_LANE, end, [entry])).position;
      } catch (error) {
        if (!(error instanceof WrongExpectedRevision)) throw error;
      }
    }
  }

  /** The announcements that the published log has, each proven under its checkpoint. @throws StoreUnavailable */
  async announced(): Promise<ProvenAnnouncement[]> {
    const checkpoint = await this.options.published();
    const proven: ProvenAnnouncement[] = [];
    for await (const entry of entriesOfLane(this.store, RECEIPT_KEYS_LANE)) {
      const proof = await proveEntry(this.log, entry.position, checkpoint);
      if (proof === null) break;
      proven.push({ leaf: leafText(entryText(entry)), proof });
    }
    return proven;
  }
}

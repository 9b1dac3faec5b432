import type { EventStore } from '@sijill/event-store';
import { isoTime, within, type Clock, type Logger, type Metrics } from '@sijill/platform';
import { formatNote, formatReceipt, MOST_PROMISED, receiptKey, utf8, type Signer } from '@sijill/transparency';
import { keepLooking } from '../keep-looking.js';
import type { SignedCheckpoint } from '../log-store.js';
import { SignerFailed } from '../signers/signer-failed.js';
import { LogReach } from './log-reach.js';
import type { ReceiptKeys } from './receipt-keys.js';

export interface ReceiptsOptions {
  /** The log's name. */
  readonly log: string;
  /** Finds the key. @throws SignerFailed there is none, or it cannot be reached now */
  readonly signer: () => Promise<Signer>;
  readonly keys: ReceiptKeys;
  /** The last checkpoint that is given away; null when there is none. */
  readonly published: () => Promise<SignedCheckpoint | null>;
  /** So long after it was accepted the log holds an entry, in milliseconds. */
  readonly promiseMs: number;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** How often the log is looked at, in milliseconds: 500. */
  readonly everyMs?: number;
}

/** An entry that was accepted, with the hash of its leaf in hex. */
export interface StoredLeaf {
  readonly entryId: string;
  readonly leafHash: string;
}

const EVERY_MS = 500;
const PAUSES_MS = { first: 500, longest: 10_000 };
/** Whoever hands events over does not wait longer for a signature: what is accepted is accepted without it. */
const SIGNING_MS = 2_000;

/**
 * Gives receipts: the promise that the log will hold entries by a time. None is given that might not be kept or could not be checked,
 * as far as this process knows: the log must have announced the key, and be behind the store by less than half of what is promised.
 */
export class Receipts {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  /** Null until it was found. */
  private own: { readonly signer: Signer; readonly key: ReturnType<typeof receiptKey> } | null = null;
  /** Why the key was not found when it was last looked for. */
  private missing = 'the key for receipts has not been looked for yet';
  private readonly reach: LogReach;
  /** Store position of the announcement of the key; null as long as it is not known to be there. */
  private announcedAt: number | null = null;
  /** Why none was given when the log was last looked at. */
  private told: string | null = null;

  constructor(
    store: Pick<EventStore, 'head'>,
    private readonly options: ReceiptsOptions,
  ) {
    this.reach = new LogReach(store, options);
  }

  /** Announces the key where that has not been done, and looks at the log until it is stopped. */
  start(): void {
    const { everyMs = EVERY_MS, logger } = this.options;
    const onFailure = (err: unknown): void =>
      logger.warn({ err }, 'how far the log has come cannot be seen; receipts wait for it');
    this.running ??= keepLooking(
      { look: () => this.look(), everyMs, pausesMs: PAUSES_MS, onFailure },
      this.stopping.signal,
    );
  }

  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
  }

  /** Leaves that the log has: entries that are stored from now on come to stand behind them. */
  get leaves(): number {
    return this.reach.head.size;
  }

  /** Why no receipt is given now, or null. */
  get failure(): string | null {
    if (this.own === null) return this.missing;
    if (this.announcedAt === null || this.announcedAt > this.reach.head.position)
      return 'the log has not announced the key for receipts yet';
    if (this.reach.behindMs() > this.options.promiseMs / 2)
      return 'the log is behind the store; is a notary running, and does it sign?';
    return null;
  }

  /**
   * A receipt over entries, a signed note; null where nothing can be promised.
   *
   * @param entries durable, each with the hash of the leaf that it becomes
   * @param leaves  as they were before the entries were handed to the store
   */
  async give(entries: readonly StoredLeaf[], leaves: number): Promise<string | null> {
    const mayGive = entries.length > 0 && entries.length <= MOST_PROMISED && this.failure === null;
    const { own } = this;
    const receipt = mayGive && own !== null ? await this.signed(this.textOver(entries, leaves), own) : null;
    this.options.metrics.receipts.inc({ outcome: receipt === null ? 'withheld' : 'given' });
    return receipt;
  }

  private textOver(entries: readonly StoredLeaf[], leaves: number): string {
    const { log, promiseMs, clock } = this.options;
    const now = clock.now();
    return formatReceipt({
      log,
      acceptedAt: isoTime(now),
      dueAt: isoTime(now + promiseMs),
      leaves: BigInt(leaves),
      entries: entries.map(({ entryId, leafHash }) => ({
        id: entryId,
        leafHash: Buffer.from(leafHash, 'hex').toString('base64'),
      })),
    });
  }

  private async signed(text: string, { signer, key }: NonNullable<typeof this.own>): Promise<string | null> {
    const { logger } = this.options;
    const { name, id } = key;
    try {
      const bytes = await within(SIGNING_MS, signer.sign(utf8(text)), () => {
        throw new Error(`the key for receipts has not signed within ${SIGNING_MS} ms`);
      });
      return formatNote({ text, signatures: [{ name, id, bytes }] });
    } catch (err) {
      logger.error({ err }, 'a receipt cannot be signed; what it was for is stored, and is answered without one');
      return null;
    }
  }

  private async find(): Promise<void> {
    if (this.own !== null) return;
    try {
      const signer = await this.options.signer();
      this.own = { signer, key: receiptKey(this.options.log, signer.publicKey) };
    } catch (error) {
      if (!(error instanceof SignerFailed)) throw error;
      this.missing = error.message;
    }
  }

  private async look(): Promise<void> {
    await this.find();
    if (this.own !== null) this.announcedAt ??= await this.options.keys.announce(this.own.key);
    await this.reach.look();
    const { failure } = this;
    if (failure === this.told) return;
    this.told = failure;
    if (failure === null) this.options.logger.info('receipts are given');
    else this.options.logger.warn({ reason: failure }, 'no receipts are given');
  }
}

import { ledgerEntry, StoreNotOurs, type EntryText, type EventStore, type Lane } from '@sijill/event-store';
import {
  backOff,
  describeError,
  FileReplaced,
  PartBehind,
  PartOfAnother,
  rest,
  within,
  type Claim,
  type Clock,
  type Logger,
  type Metrics,
} from '@sijill/platform';
import { GrowingLog } from './growing-log.js';
import { announceFirstKey } from './keys/announce-key.js';
import { AnnouncedSigner, KeysNotAnnounced, type LogIdentity } from './keys/announced-signer.js';
import type { LogStore } from './log-store.js';
import { SignerFailed } from './signers/signer-failed.js';
import type { MapKeeper } from './subjects/map-keeper.js';
import { assertSignedPast, signedPastLost } from './signed-past.js';
import type { TimeStamps } from './time-stamps/time-stamps.js';
import type { Cosigners } from './witnesses/cosigners.js';

/**
 * `starting`: it has not yet compared the store with what was signed. `standing by`: another notary has the log. `failing`: store,
 * database or what signs is out of reach, it is tried again. `refusing`: the store does not hold what was signed, until it does again; or
 * the keys are not those that the log has announced. A person has to look.
 */
export type NotaryState = 'stopped' | 'starting' | 'standing by' | 'running' | 'failing' | 'refusing';

export interface NotaryHealth {
  readonly state: NotaryState;
  readonly detail: string | null;
  /** What is not as it was, where it refuses: the entries of the store, or the keys that are here. */
  readonly over: 'store' | 'keys' | null;
}

export interface NotaryOptions {
  /** Of all notaries of one log, the one that has it makes the log grow. */
  readonly claim: Claim;
  /** In whose name is signed, and with what. */
  readonly identity: LogIdentity;
  readonly clock: Clock;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Keeps the map of subjects behind the log; none where nobody asks for it. */
  readonly subjects?: MapKeeper;
  /** Has witnesses cosign; none where nobody is asked. */
  readonly witnesses?: Cosigners;
  /** Has checkpoints stamped; none where no time stamp authority is named. */
  readonly timeStamps?: TimeStamps;
  /** Told of events that somebody else has put into the ledger's lanes, as they become leaves. */
  readonly onForeign?: (events: readonly EntryText[]) => void;
  /** Whether store, log and the other parts are those of one ledger, and as far as each other; without it nobody looks. */
  readonly whole?: {
    /** Looks now. @throws StoreNotOurs | PartOfAnother | PartBehind */
    check(): Promise<void>;
    /** Says what was found last. @throws StoreNotOurs */
    assertMayAppend(): void;
  };
  /** Where the notary writes entries of its own. */
  readonly lane: () => Promise<Pick<Lane, 'append'>>;
  /** A checkpoint is signed at most so often, in milliseconds: 1,000. */
  readonly signEveryMs?: number;
  /** A log that nothing was added to for so long gets an entry that says it is alive, in milliseconds: an hour. */
  readonly aliveEveryMs?: number;
}

export const LOG_ALIVE = 'sijill.ledger.log_alive.v1';

/** What says itself what is wrong, without a word of anybody's data. */
const WORDS_FOR_PEOPLE = [SignerFailed, StoreNotOurs, PartOfAnother, PartBehind, FileReplaced];

const PAUSES_MS = { first: 200, longest: 10_000 };
const STAND_BY_MS = 1_000;
/** How long after a refusal the store is looked at again: the right data may have been put back. */
const LOOK_AGAIN_MS = 10_000;
const BATCH = 2_000;
/** Tiles are committed at the latest with so many leaves, signed or not. */
const MOST_PENDING = 20_000;
/** When somebody waits for leaves to be committed, they wait no longer than this. */
const HURRY_MS = 100;
/** So many of the last leaves are compared with the store before anything more is signed: a fraction of a second. */
const COMPARED = 65_536;

/**
 * Keeps the log: follows the store, makes each entry a leaf in the order of the store, and signs what the tree has become. Several
 * may run beside one store and database; one of them has the claim, the others stand by, and the database lets none of two grow the
 * log from the same place.
 */
export class Notary {
  private readonly stopping = new AbortController();
  private running: Promise<void> | null = null;
  private status: NotaryHealth = { state: 'stopped', detail: null, over: null };
  private signedAt = Number.NEGATIVE_INFINITY;
  private readonly signEveryMs: number;
  private readonly aliveEveryMs: number;

  constructor(
    private readonly store: EventStore,
    private readonly log: LogStore,
    private readonly options: NotaryOptions,
  ) {
    this.signEveryMs = options.signEveryMs ?? 1_000;
    this.aliveEveryMs = options.aliveEveryMs ?? 3_600_000;
  }

  get health(): NotaryHealth {
    return this.status;
  }

  start(): void {
    if (this.running !== null) return;
    this.become('starting', 'the store is being compared with what was signed');
    this.running = this.run();
  }

  /** Signs what was taken in, and stops. */
  async stop(): Promise<void> {
    this.stopping.abort();
    await this.running;
    await this.options.claim.release();
    this.become('stopped', null);
  }

  private async run(): Promise<void> {
    const { signal } = this.stopping;
    const { logger, claim } = this.options;
    for (let failures = 0; !signal.aborted;) {
      const lost = new AbortController();
      try {
        // What it refused may be mended, whoever keeps the log meanwhile.
        if (this.status.state === 'refusing') await this.assertWhole();
        if (!(await claim.take(() => lost.abort()))) {
          this.become('standing by', 'another process keeps the log');
          await rest(STAND_BY_MS, signal);
          continue;
        }
        await this.assertWhole();
        this.become('running', null);
        await this.follow(AbortSignal.any([signal, lost.signal]), () => (failures = 0));
      } catch (error) {
        const refusal = error instanceof KeysNotAnnounced ? error : signedPastLost(error);
        if (refusal !== null) {
          if (this.status.detail !== refusal.message)
            logger.fatal({ err: error }, 'the notary signs nothing more: the log does not go on from what was signed');
          this.become('refusing', refusal.message, refusal instanceof KeysNotAnnounced ? 'keys' : 'store');
          // Each notary looks for itself: one whose store is whole may go on.
          await claim.release();
          if (error instanceof KeysNotAnnounced) return;
          await rest(LOOK_AGAIN_MS, signal);
          continue;
        }
        const says = WORDS_FOR_PEOPLE.some((kind) => error instanceof kind);
        this.become('failing', says ? (error as Error).message : describeError(error).type);
        logger.error({ err: error }, 'the notary stopped; it will be tried again');
        await claim.release();
        await rest(backOff(failures++, PAUSES_MS), signal);
      }
    }
  }

  private async assertWhole(): Promise<void> {
    await this.options.whole?.check();
    await assertSignedPast(this.store, this.log, COMPARED);
  }

  /** Lets the log grow behind the store until the signal is aborted; what was taken in by then is signed. */
  private async follow(until: AbortSignal, onCommit: () => void): Promise<void> {
    const left = new AbortController();
    const signal = AbortSignal.any([until, left.signal]);
    const { subjects, witnesses, timeStamps } = this.options;
    const beside = Promise.all([subjects?.run(signal), witnesses?.run(signal), timeStamps?.run(signal)]);
    try {
      await this.grow(signal, onCommit);
    } finally {
      left.abort();
      await beside;
    }
  }

  private async grow(signal: AbortSignal, onCommit: () => void): Promise<void> {
    const { identity, clock } = this.options;
    await announceFirstKey(this.store, this.log, identity, clock);
    const log = await GrowingLog.resume(this.log, clock);
    const signer = await AnnouncedSigner.resume(this.store, this.log, identity, log.head.position);
    this.options.metrics.logSize.set(log.head.size);
    // What a notary before this one has committed and not signed is signed with the next leaves, or now.
    const signed = await this.log.checkpoint();
    let unsigned = log.head.size > (signed?.size ?? 0);
    let alive = signed === null ? Date.now() : Date.parse(signed.signedAt);
    const entries = this.store
      .followTexts({ after: log.head.position, batchSize: BATCH, signal })
      [Symbol.asyncIterator]();
    let next: Promise<IteratorResult<EntryText[]>> | null = null;
    for (;;) {
      next ??= entries.next();
      // Before the leaf that announces the first key, which is on its way, nothing can be signed.
      const due = unsigned ? this.signedAt + this.signEveryMs : alive + this.aliveEveryMs;
      const wait = signer.keys.length === 0 ? HURRY_MS : Math.max(0, due - Date.now());
      const look = log.pending > 0 ? HURRY_MS : Number.POSITIVE_INFINITY;
      const came = await within(Math.min(look, wait), next, () => null);
      if (came !== null) {
        next = null;
        if (came.done === true) break;
        await this.take(came.value, log, signer);
        unsigned = true;
        alive = Date.now();
      } else if (!unsigned && Date.now() >= alive + this.aliveEveryMs) {
        await this.sayAlive();
        alive = Date.now();
      }
      const isDue = unsigned && signer.keys.length > 0 && Date.now() >= this.signedAt + this.signEveryMs;
      if (isDue) {
        await this.commit(log, signer);
        unsigned = false;
        onCommit();
      } else if (log.pending >= MOST_PENDING || (log.pending > 0 && this.options.subjects?.hurries === true))
        await this.commit(log, null);
    }
    // One that has lost its claim leaves the rest to whoever has it now.
    if (this.stopping.signal.aborted) await this.finish(log, signer, unsigned);
  }

  /** What was taken in goes into the map of subjects, and all of it is signed, and cosigned. */
  private async finish(log: GrowingLog, signer: AnnouncedSigner, unsigned: boolean): Promise<void> {
    if (log.pending > 0) await this.commit(log, null);
    await this.options.subjects?.finish();
    for await (const batch of this.store.readTexts({ after: log.head.position })) await this.take(batch, log, signer);
    if (unsigned || log.pending > 0) await this.commit(log, signer.keys.length > 0 ? signer : null);
    // Over the entry that says what the map is, so that the map covers all of the log.
    await this.options.subjects?.finish();
    await this.options.witnesses?.finish();
  }

  private async take(batch: readonly EntryText[], log: GrowingLog, signer: AnnouncedSigner): Promise<void> {
    log.add(batch);
    await signer.take(batch);
    const { onForeign, logger } = this.options;
    const foreign = batch.filter((entry) => entry.foreign);
    if (foreign.length === 0) return;
    const { id, stream, revision } = foreign[0]!;
    logger.warn(
      { events: foreign.length, first: { id, lane: stream, revision } },
      'somebody else has written to the lanes of this ledger; that becomes leaves of the log, and nothing else',
    );
    onForeign?.(foreign);
  }

  /** @param signer none: what was taken in is not signed yet */
  private async commit(log: GrowingLog, signer: AnnouncedSigner | null): Promise<void> {
    const { metrics, whole } = this.options;
    whole?.assertMayAppend();
    const checkpoint = await log.commit(signer);
    metrics.logSize.set(log.head.size);
    if (checkpoint === null) return;
    this.signedAt = Date.now();
    metrics.checkpointSize.set(checkpoint.size);
    metrics.checkpointSigned.set(this.options.clock.now() / 1000);
  }

  /** An entry about nothing: whoever follows the log from outside can tell one that is quiet from one that stands still. */
  private async sayAlive(): Promise<void> {
    const lane = await this.options.lane();
    await lane.append([ledgerEntry(LOG_ALIVE, this.options.clock.now(), {})]);
  }

  private become(state: NotaryState, detail: string | null, over: NotaryHealth['over'] = null): void {
    this.status = { state, detail, over };
    this.options.metrics.notaryRefusing.set(state === 'refusing' ? 1 : 0);
  }
}

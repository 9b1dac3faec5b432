/** Another writer has the stream's end; `actual` is its last revision, -1 when it does not exist. */
export class WrongExpectedRevision extends Error {
  override readonly name = 'WrongExpectedRevision';
  constructor(
    readonly stream: string,
    readonly expected: number | 'no_stream' | 'any',
    readonly actual: number,
  ) {
    super(`stream ${stream}: expected revision ${expected}, found ${actual}`);
  }
}

/** The store did not say whether the append was stored. Re-read the stream's end and decide. */
export class OutcomeUnknown extends Error {
  override readonly name = 'OutcomeUnknown';
}

/** The store cannot be reached or refuses for now; nothing was written. */
export class StoreUnavailable extends Error {
  override readonly name: string = 'StoreUnavailable';
}

/**
 * The store's disk is full; nothing of this is stored. Reading goes on, and so does writing once there is room.
 *
 * Should the process die before anything else is written, a commit that failed for this reason may be found whole after all.
 * Its entries then stand in their lane like any others, and are repeats when they are sent again.
 */
export class StoreFull extends StoreUnavailable {
  override readonly name = 'StoreFull';
}

/** The store will not take this, now or later (rights, a deleted stream, a file of another schema): sent again it fails again. */
export class StoreRefused extends Error {
  override readonly name: string = 'StoreRefused';
}

/** No entry stands at this position: it was given out by another log, or the entry is gone. */
export class PositionNotFound extends StoreRefused {
  override readonly name = 'PositionNotFound';
  constructor(
    readonly position: number,
    options?: ErrorOptions,
  ) {
    super(`the store has no entry at position ${position}: it is not the log that the position comes from`, options);
  }
}

/**
 * The store that answers is not this ledger's, or not all of it is there: it is empty, an older copy, or another's. Nothing is taken in and
 * nothing signed until the right one is back; then everything goes on by itself.
 */
export class StoreNotOurs extends StoreUnavailable {
  override readonly name = 'StoreNotOurs';
}

/**
 * Entries of a stream that were stored cannot be read: somebody has hidden or removed them. Nothing about them is known, and nothing is
 * written behind them.
 */
export class EntriesHidden extends StoreRefused {
  override readonly name: string = 'EntriesHidden';
  constructor(
    readonly stream: string,
    readonly first: number,
    /** Null where it is not known how many there were. */
    readonly last: number | null,
    options?: ErrorOptions,
  ) {
    const which = last === null ? `from ${first} on` : first === last ? `${first}` : `${first} to ${last}`;
    super(`entries of ${stream} cannot be read, revisions ${which}: ${LIKELY}`, options);
  }
}

/** The revisions of a lane have a gap, in its stream or in the order of all entries. */
export class LaneGap extends EntriesHidden {
  override readonly name = 'LaneGap';
  declare readonly last: number;
  constructor(stream: string, first: number, last: number, options?: ErrorOptions) {
    super(stream, first, last, options);
  }
}

const LIKELY =
  'somebody has truncated the stream ($tb, $maxCount, $maxAge), deleted it, or had a scavenge remove them; or rows were deleted from the file';

/** Whether what failed may go well when it is tried again. Of the errors of a store the others stay: no try mends them. */
export function passes(error: unknown): error is StoreUnavailable | OutcomeUnknown {
  return error instanceof StoreUnavailable || error instanceof OutcomeUnknown;
}

/** The batch is over what the store takes in one append. */
export class AppendTooLarge extends Error {
  override readonly name = 'AppendTooLarge';
  constructor(readonly limitBytes: number) {
    super(`an append may hold ${limitBytes} bytes`);
  }
}

/** The stream was never written. */
export class StreamNotFound extends Error {
  override readonly name = 'StreamNotFound';
  constructor(readonly stream: string) {
    super(`stream ${stream} was never written`);
  }
}

/** A lane has one writer, and it is no longer this one. */
export class LaneTakenOver extends Error {
  override readonly name: string = 'LaneTakenOver';
}

/** A lane ends before what this writer knows to be stored: the store is another one, or was cut. Nobody else has written to it. */
export class LaneLost extends LaneTakenOver {
  override readonly name = 'LaneLost';
}

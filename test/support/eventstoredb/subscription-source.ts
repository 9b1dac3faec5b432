import type { EventLog } from './event-log.js';
import type { Behaviour } from './releases.js';
import type { ReadReq, ReadResp } from './wire.js';

export type SubscriptionOptions = NonNullable<ReturnType<ReadReq['getOptions']>>;

/** Events the server reads at once while it catches up. */
export const PAGE = 32;
/** Events it holds for a subscriber that has caught up; more than these and it has fallen behind. */
export const LIVE_BUFFER = 32;

export interface SourceOf {
  readonly log: EventLog;
  readonly behaviour: Behaviour;
}

/** Where the messages of a subscription come from. */
export interface SubscriptionSource {
  /** Whether the subscriber has caught up. */
  readonly isLive: boolean;
  /** How many events it has yet to be sent. */
  behind(): number;
  /** The next page of messages; an empty one means: wait. */
  next(): ReadResp[];
}

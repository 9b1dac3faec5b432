import { code } from './wire.js';

export type Release = '22.10' | '23.10' | '24.10';

interface Refusal {
  readonly code: code;
  readonly details: string;
}

/** What the releases do differently. What is not known of 22.10 is taken to be as in 23.10. */
export interface Behaviour {
  /** As the server tells it. */
  readonly version: string;
  /** Whether a call without credentials is refused where there are users. */
  readonly refusesAnonymous: boolean;
  /** Whether a subscription says that it has caught up: never, where there is a stream, or always. */
  readonly caughtUp: 'never' | 'once there is a stream' | 'always';
  /** A subscriber that falls behind while live: hung up on, or taken back to pages. */
  readonly dropsSlowReaders: boolean;
  /** Whether a filtered subscription that finds nothing may be sent the position that means "the end". */
  readonly hasCheckpointTrap: boolean;
  /** Whether an open subscription ends when the right to read is withdrawn. */
  readonly rechecksSubscriptions: boolean;
  /** Whether a subscriber sees a tombstone before the error. */
  readonly showsTombstone: boolean;
  /** What counts towards the limit of an append. */
  readonly sizeOfAppend: 'data' | 'data, metadata and type';
  /** What a position is answered with at which no record begins. */
  readonly badPosition: { readonly read: Refusal; readonly subscription: Refusal };
}

const V22: Behaviour = {
  version: '22.10.5',
  refusesAnonymous: false,
  caughtUp: 'never',
  dropsSlowReaders: true,
  hasCheckpointTrap: false,
  rechecksSubscriptions: false,
  showsTombstone: false,
  sizeOfAppend: 'data',
  badPosition: {
    read: { code: code.UNKNOWN, details: 'Unexpected ReadAllResult: Error' },
    subscription: { code: code.UNKNOWN, details: 'Exception was thrown by handler.' },
  },
};

const V23: Behaviour = {
  ...V22,
  version: '23.10.8',
  refusesAnonymous: true,
  caughtUp: 'once there is a stream',
  showsTombstone: true,
};

const V24: Behaviour = {
  ...V23,
  version: '24.10.4',
  caughtUp: 'always',
  dropsSlowReaders: false,
  hasCheckpointTrap: true,
  rechecksSubscriptions: true,
  sizeOfAppend: 'data, metadata and type',
  badPosition: {
    read: { code: code.UNKNOWN, details: 'Unexpected ReadAllResult: InvalidPosition' },
    subscription: { code: code.INVALID_ARGUMENT, details: 'Trying to read from an invalid position.' },
  },
};

export const RELEASES: Readonly<Record<Release, Behaviour>> = { '22.10': V22, '23.10': V23, '24.10': V24 };

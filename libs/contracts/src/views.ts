/** Where the ledger stood when an answer was made. */
export interface AsOf {
  /** Position of the last entry that the answer knows of; 0 for an empty ledger. */
  readonly position: number;
  /** When that entry was recorded (RFC 3339, UTC, milliseconds). */
  readonly time: string;
}

/** Where the read model stood that an answer came from, and how long ago its last entry was recorded. */
export interface Freshness extends AsOf {
  /** Whole seconds; 0 for an empty ledger. A ledger into which nothing comes grows old without missing anything. */
  readonly ageSeconds: number;
}

/** Whether the sealed part of an entry can still be opened: `destroyed` after an erasure. */
export type SealedState = 'none' | 'closed' | 'destroyed';

export interface RecipientView {
  readonly id: string;
  readonly name: string;
  readonly class: string;
  readonly capacity: string | null;
  readonly country: string | null;
}

export interface ReferenceView {
  readonly reference: string | null;
  readonly sha256: string | null;
}

/** One disclosure of one subject's data, as readers get it. What was not given is null. */
export interface Disclosure {
  readonly entryId: string;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly recipient: RecipientView;
  readonly dataCategories: readonly string[];
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  readonly ground: string | null;
  readonly method: string | null;
  readonly occasion: string | null;
  readonly request: ReferenceView | null;
  readonly minimumNecessary: boolean | null;
  readonly transferBasis: string | null;
  readonly policyVersion: string | null;
  readonly producer: string | null;
  readonly system: string | null;
  readonly source: string;
  readonly eventId: string;
  readonly sealed: SealedState;
}

/** One event of a subject's timeline: the common fields, and under their own names those of its kind. */
export interface ActivityView {
  readonly entryId: string;
  /** `null` for what is no activity of its own: consents, objections, requests, notices. */
  readonly activity: 'collection' | 'use' | 'disclosure' | 'deletion' | null;
  readonly type: string;
  readonly role: string | null;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly dataCategories: readonly string[];
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  readonly policyVersion: string | null;
  readonly system: string | null;
  readonly evidence: ReferenceView | null;
  readonly producer: string | null;
  readonly source: string;
  readonly eventId: string;
  readonly sealed: SealedState;
  readonly [field: string]: unknown;
}

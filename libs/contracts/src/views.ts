import type { Activity, Change, PartyKind } from './taxonomy.js';

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

/** Whether the sealed parts of an entry can still be opened: `destroyed` after an erasure. */
export type SealedState = 'none' | 'closed' | 'destroyed';

/** `conflict`: the identity of its event was used before, for something else; such an entry is flagged and counted apart. */
export type Standing = 'first' | 'conflict';

/** What the judge says of an entry; null while nothing judges. */
export type Verdict = 'allowed' | 'finding' | 'unknown';

/** A recipient as readers see it. What is sealed in the entry is null where nobody opened it, and after an erasure. */
export interface RecipientView {
  /** Of a person an opaque id to filter by; null once an erasure has made the ledger forget that too. */
  readonly id: string | null;
  readonly name: string | null;
  readonly kind: PartyKind | null;
  readonly class: string;
  readonly capacity: string | null;
  readonly country: string | null;
  readonly contact: string | null;
  readonly reference: string | null;
}

/** The customer for whom the platform acted as a processor. Sealed members as in {@link RecipientView}. */
export interface CustomerView {
  readonly id: string | null;
  readonly name: string | null;
  readonly kind: PartyKind | null;
}

export interface ReferenceView {
  readonly reference: string | null;
  readonly sha256: string | null;
}

/** What a recipient was told later of a disclosure, and what it answered. */
export interface NoticeView {
  readonly noticeId: string;
  readonly change: Change;
  readonly status: string;
  readonly sentAt: string | null;
  readonly answeredAt: string | null;
}

/** One disclosure of one subject's data, as readers get it. What was not given is null. */
export interface Disclosure {
  readonly entryId: string;
  readonly subjectId: string;
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
  readonly effectOnOthers: string | null;
  readonly transferBasis: string | null;
  readonly policyVersion: string | null;
  readonly producer: string | null;
  readonly onBehalfOf: CustomerView | null;
  readonly system: string | null;
  readonly processingActivity: string | null;
  readonly source: string | null;
  /** Sealed in the entry; null where nobody opened it, and after an erasure. */
  readonly eventId: string | null;
  readonly standing: Standing;
  readonly verdict: Verdict | null;
  /** Ids of the policy's clauses that allow it. */
  readonly clauses: readonly string[];
  readonly notices: readonly NoticeView[];
  readonly sealed: SealedState;
}

/** One event of a subject's timeline: the common fields, and under their own names those of its kind. */
export interface ActivityView {
  readonly entryId: string;
  readonly subjectId: string;
  /** `null` for what is no activity of its own: consents, objections, requests, notices. */
  readonly activity: Activity | null;
  readonly type: string;
  readonly role: string | null;
  readonly occurredAt: string;
  readonly recordedAt: string;
  readonly dataCategories: readonly string[];
  readonly purpose: string | null;
  readonly legalBasis: string | null;
  readonly policyVersion: string | null;
  readonly system: string | null;
  readonly processingActivity: string | null;
  readonly onBehalfOf: CustomerView | null;
  readonly evidence: ReferenceView | null;
  readonly producer: string | null;
  readonly source: string | null;
  /** As in {@link Disclosure}. */
  readonly eventId: string | null;
  readonly standing: Standing;
  readonly verdict: Verdict | null;
  readonly clauses: readonly string[];
  readonly sealed: SealedState;
  readonly [field: string]: unknown;
}

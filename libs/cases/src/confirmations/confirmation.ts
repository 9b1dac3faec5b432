import type { DualControlled } from '@sijill/platform';

/** So long somebody else may answer what was asked. */
export const OPEN_MS = 7 * 86_400_000;
/** So long behind its confirmation the result of one can be fetched. */
export const RESULT_MS = 86_400_000;

/** What a confirmation is about: ids only. */
export interface About {
  readonly subjectIds: readonly string[];
  readonly entryId?: string;
  /** The bytes of a quarantined record as they came, in place of the entry's parts. */
  readonly raw?: true;
}

/** What came of what was confirmed, where something was carried out then: done, or why it could not be any more. */
export type Outcome =
  | { readonly done: true; readonly entryIds: readonly string[] }
  | { readonly done: false; readonly code: string; readonly through: readonly string[] };

export type AnswerKind = 'given' | 'declined';

export interface Answer {
  readonly kind: AnswerKind;
  /** A principal. */
  readonly by: string;
  readonly at: number;
  readonly outcome: Outcome | null;
}

/** What one principal asked for and another answers. Times are milliseconds since the Unix epoch. */
export interface Confirmation {
  readonly confirmationId: string;
  readonly what: DualControlled;
  readonly about: About;
  readonly askedBy: string;
  readonly askedAt: number;
  readonly expiresAt: number;
  readonly answer: Answer | null;
  /** When its result was fetched. */
  readonly fetchedAt: number | null;
}

export type ConfirmationStatus = 'open' | 'confirmed' | 'declined' | 'expired';

const REFUSALS = {
  unknown: 'the ledger knows no confirmation of that id',
  own_request: 'you asked for this yourself; somebody else has to confirm it',
  answered: 'this was answered before; an answer stands',
  expired: 'nobody answered in time, and nothing came of it; ask again',
  asker_gone:
    'whoever asked may not ask for this any more; ask again in your own name, and let somebody else confirm it',
  not_here: 'this release cannot carry this out; confirm it on a server that can',
  not_yours: 'the result is for whoever asked, and for nobody else',
  no_result: 'nothing is fetched of a confirmation of this kind; it says itself what came of it',
  not_confirmed: 'nobody has confirmed this yet; nothing is opened before that',
  not_given: 'this was declined, or nobody answered in time; there is nothing to fetch',
  fetched: 'the result was fetched before, and is given once; ask again',
  too_late: 'the result could be fetched within 24 hours of the confirmation; ask again',
} as const;

export type RefusalCode = keyof typeof REFUSALS;

/** What somebody wanted of a confirmation cannot be. Nothing was changed. */
export class ConfirmationRefused extends Error {
  override readonly name = 'ConfirmationRefused';
  constructor(readonly code: RefusalCode) {
    super(REFUSALS[code]);
  }
}

/** What has become of it; time alone ends what nobody answers. */
export function statusOf({ answer, expiresAt }: Confirmation, now: number): ConfirmationStatus {
  if (answer !== null) return answer.kind === 'given' ? 'confirmed' : 'declined';
  return now < expiresAt ? 'open' : 'expired';
}

/**
 * Whether a principal may answer it now. Whoever asked may take it back, and never confirm it.
 *
 * @throws ConfirmationRefused
 */
export function assertAnswerable(confirmation: Confirmation, kind: AnswerKind, principal: string, now: number): void {
  if (kind === 'given' && principal === confirmation.askedBy) throw new ConfirmationRefused('own_request');
  const status = statusOf(confirmation, now);
  if (status === 'expired') throw new ConfirmationRefused('expired');
  if (status !== 'open') throw new ConfirmationRefused('answered');
}

/**
 * Whether a principal may fetch its result now: whoever asked, once, within a day of the confirmation.
 *
 * @throws ConfirmationRefused
 */
export function assertFetchable(confirmation: Confirmation, principal: string, now: number): void {
  const { askedBy, answer, fetchedAt } = confirmation;
  if (principal !== askedBy) throw new ConfirmationRefused('not_yours');
  const status = statusOf(confirmation, now);
  if (status === 'open') throw new ConfirmationRefused('not_confirmed');
  if (status !== 'confirmed') throw new ConfirmationRefused('not_given');
  if (fetchedAt !== null) throw new ConfirmationRefused('fetched');
  if (now >= answer!.at + RESULT_MS) throw new ConfirmationRefused('too_late');
}

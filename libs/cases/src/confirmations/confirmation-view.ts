import { isoTime, type DualControlled } from '@sijill/platform';
import { statusOf, type Confirmation, type ConfirmationStatus, type Outcome } from './confirmation.js';

/** A confirmation as it is shown. Whoever asked and answered are principals. */
export interface ConfirmationView {
  readonly confirmationId: string;
  readonly what: DualControlled;
  readonly about: {
    readonly subjectIds: readonly string[];
    readonly entryId: string | null;
    readonly holdId: string | null;
    readonly erasureId: string | null;
    readonly policy: string | null;
  };
  readonly askedBy: string;
  readonly askedAt: string;
  readonly expiresAt: string;
  readonly confirmedBy: string | null;
  readonly status: ConfirmationStatus;
  /** When it was confirmed or declined. */
  readonly answeredAt: string | null;
  /** What came of it, where something was carried out. */
  readonly outcome: Outcome | null;
}

export function confirmationView(confirmation: Confirmation, now: number): ConfirmationView {
  const { confirmationId, what, about, askedBy, askedAt, expiresAt, answer } = confirmation;
  return {
    confirmationId,
    what,
    about: {
      subjectIds: about.subjectIds,
      entryId: about.entryId ?? null,
      holdId: null,
      erasureId: null,
      policy: null,
    },
    askedBy,
    askedAt: isoTime(askedAt),
    expiresAt: isoTime(expiresAt),
    confirmedBy: answer?.kind === 'given' ? answer.by : null,
    status: statusOf(confirmation, now),
    answeredAt: answer === null ? null : isoTime(answer.at),
    outcome: answer?.outcome ?? null,
  };
}

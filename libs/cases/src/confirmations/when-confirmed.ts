import type { DualControlled } from '@sijill/platform';
import type { CaseChange, Officer } from '@sijill/vault';
import type { About, Outcome } from './confirmation.js';

/** What was asked for, by whom and why. */
export interface Asked extends Officer {
  readonly confirmationId: string;
  readonly about: About;
}

/** What a kind of confirmation comes to once it is given. */
export interface WhenConfirmed {
  /**
   * Carries out what was asked for, in the change that confirms it: both or neither. What has become impossible meanwhile is an outcome
   * too, and no error. Null where nothing is carried out and the result is fetched.
   */
  readonly carryOut: ((change: CaseChange, asked: Asked) => Promise<Outcome>) | null;
}

/** By what is asked for. What is not in it cannot be asked for here. */
export type Consequences = Readonly<Partial<Record<DualControlled, WhenConfirmed>>>;

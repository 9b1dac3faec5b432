export {
  ConfirmationRefused,
  type About,
  type AnswerKind,
  type Confirmation,
  type ConfirmationStatus,
  type Outcome,
  type RefusalCode,
} from './confirmations/confirmation.js';
export type { ConfirmationView } from './confirmations/confirmation-view.js';
export {
  CONFIRMATION_ASKED,
  CONFIRMATION_DECLINED,
  CONFIRMATION_GIVEN,
  Confirmations,
  type Wanted,
} from './confirmations/confirmations.js';
export type { Asked, Consequences, WhenConfirmed } from './confirmations/when-confirmed.js';
export { DualControl } from './dual-control.js';
export { Separating, separationWhenConfirmed } from './separations/separating.js';
export { openEntry, type OpenedEntry, type PartOpening } from './unsealing/opened-entry.js';
export { Unsealing, unsealWhenConfirmed, type NotOpened, type Sources } from './unsealing/unsealing.js';

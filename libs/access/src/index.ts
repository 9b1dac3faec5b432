export { Access } from './access.js';
export { actingPrincipal, ActingRefused, administrator, COMMAND_LINE } from './acting-principal.js';
export {
  ApiKeys,
  KEY_CREATED,
  KEY_REVOKED,
  KeyRefused,
  type ApiKey,
  type Caller,
  type KeyNotAccepted,
  type KeyWanted,
} from './api-keys.js';
export { CONSULTED, ConsultationLog, type Consultation, type Consulted } from './consultation-log.js';
export { LimitReached, Limits, type Counted } from './limits.js';
export { LedgerSeals, type Said, type SealedParts, type Seals, type ToSeal } from './ledger-seals.js';
export {
  PRODUCER_CHANGED,
  PRODUCER_REGISTERED,
  PRODUCER_RETIRED,
  ProducerRefused,
  type Producer,
  type ProducerTerms,
} from './producers/producer.js';
export { Producers } from './producers/producers.js';
export { assertProducersKnown, ProducersUnknown } from './producers/producers-known.js';
export type { Acting, ActingReader, Reader } from './reader.js';
export { ROLES, type Role } from './roles.js';

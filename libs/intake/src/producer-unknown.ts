import type { FieldError } from '@sijill/contracts';

/** Why records wait in quarantine that come under a name which says nothing here. */
export const PRODUCER_UNKNOWN: FieldError = {
  path: '',
  code: 'producer_unknown',
  message: "the topic's owner is no registered producer, or is retired; register it, and replay the record",
};

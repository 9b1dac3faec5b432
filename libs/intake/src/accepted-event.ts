import type { FieldError, ProducerEvent } from '@sijill/contracts';
import type { Identifier } from '@sijill/vault';

/** One data subject of an event: the identifiers as they were given, and as the directory knows them. */
export interface Person {
  readonly given: readonly Identifier[];
  readonly normalized: readonly Identifier[];
  readonly role: string | null;
}

/** An event that passed every check and can become entries. */
export interface AcceptedEvent {
  readonly event: ProducerEvent;
  /** `time` as an instant, milliseconds since the Unix epoch, finer digits cut. */
  readonly occurredAt: number;
  readonly people: readonly Person[];
}

export type Reading = { readonly accepted: AcceptedEvent } | { readonly errors: readonly FieldError[] };

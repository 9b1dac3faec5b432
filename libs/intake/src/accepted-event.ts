import type { FieldError, ProducerEvent } from '@sijill/contracts';
import type { NamedIdentifier } from '@sijill/vault';

/** One data subject of an event: its identifiers as the directory knows them, at least one. */
export interface Person {
  readonly identifiers: readonly NamedIdentifier[];
}

/** An event that passed every check and can become entries. */
export interface AcceptedEvent {
  readonly event: ProducerEvent;
  /** `time` as an instant, milliseconds since the Unix epoch, finer digits cut. */
  readonly occurredAt: number;
  /** In the order of `data.dataSubjects`. */
  readonly people: readonly Person[];
}

export type Reading = { readonly accepted: AcceptedEvent } | { readonly errors: readonly FieldError[] };

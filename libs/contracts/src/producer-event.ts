import {
  BreachData,
  ChoiceData,
  CollectedData,
  CorrectedData,
  DeletedData,
  DisclosedData,
  HeartbeatData,
  MinorIdentifiedData,
  RecipientNoticeData,
  RefusedRequestData,
  ReleasedIdentifierData,
  RightsRequestData,
  UsedData,
} from './event-data.js';
import type { Activity } from './taxonomy.js';

/** What each producer event carries in `data`. A type belongs here, in {@link PRODUCER_EVENT_TYPES} and in the catalogue. */
export interface ProducerEventData {
  'sijill.data.collected.v1': CollectedData;
  'sijill.data.used.v1': UsedData;
  'sijill.data.disclosed.v1': DisclosedData;
  'sijill.data.deleted.v1': DeletedData;
  'sijill.data.corrected.v1': CorrectedData;
  'sijill.consent.granted.v1': ChoiceData;
  'sijill.consent.withdrawn.v1': ChoiceData;
  'sijill.objection.raised.v1': ChoiceData;
  'sijill.objection.lifted.v1': ChoiceData;
  'sijill.request.received.v1': RightsRequestData;
  'sijill.request.extended.v1': RightsRequestData;
  'sijill.request.answered.v1': RightsRequestData;
  'sijill.request.refused.v1': RefusedRequestData;
  'sijill.subject.minor_identified.v1': MinorIdentifiedData;
  'sijill.identifier.released.v1': ReleasedIdentifierData;
  'sijill.producer.heartbeat.v1': HeartbeatData;
  'sijill.recipient.notified.v1': RecipientNoticeData;
  'sijill.recipient.acknowledged.v1': RecipientNoticeData;
  'sijill.breach.detected.v1': BreachData;
  'sijill.breach.reported.v1': BreachData;
}

export type ProducerEventType = keyof ProducerEventData;

/** One kind of producer event: a CloudEvent in structured mode that passed the schema. */
export interface ProducerEventOf<T extends ProducerEventType> {
  readonly specversion: '1.0';
  readonly id: string;
  /** Producer, `source` and `id` together name the event. */
  readonly source: string;
  readonly type: T;
  /** When it happened, RFC 3339. */
  readonly time: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly subject?: string;
  readonly sequence?: string | number;
  readonly traceparent?: string;
  readonly data: ProducerEventData[T];
  /** Extension attributes: string, boolean or integer. */
  readonly [extension: string]: unknown;
}

/** Any producer event, told apart by `type`. */
export type ProducerEvent = { [T in ProducerEventType]: ProducerEventOf<T> }[ProducerEventType];

/** What the compiler and the documents know of an event type. */
export interface CatalogueEntry<Data> {
  readonly data: new () => Data;
  /** Names of the component schemas: of the whole event, and of its data. */
  readonly schema: string;
  readonly dataSchema: string;
  /** What such an event reports, in one sentence. */
  readonly says: string;
}

/** Every producer event type. Mapped over the types, so that a new one without a row does not build. */
export const EVENT_CATALOGUE: { readonly [T in ProducerEventType]: CatalogueEntry<ProducerEventData[T]> } = {
  'sijill.data.collected.v1': {
    data: CollectedData,
    schema: 'DataCollectedEvent',
    dataSchema: 'CollectedData',
    says: 'Personal data was collected.',
  },
  'sijill.data.used.v1': {
    data: UsedData,
    schema: 'DataUsedEvent',
    dataSchema: 'UsedData',
    says: 'Personal data was used.',
  },
  'sijill.data.disclosed.v1': {
    data: DisclosedData,
    schema: 'DataDisclosedEvent',
    dataSchema: 'DisclosedData',
    says: 'Personal data was handed to a recipient.',
  },
  'sijill.data.deleted.v1': {
    data: DeletedData,
    schema: 'DataDeletedEvent',
    dataSchema: 'DeletedData',
    says: 'Personal data was deleted by the producer.',
  },
  'sijill.data.corrected.v1': {
    data: CorrectedData,
    schema: 'DataCorrectedEvent',
    dataSchema: 'CorrectedData',
    says: 'Personal data was corrected.',
  },
  'sijill.consent.granted.v1': {
    data: ChoiceData,
    schema: 'ConsentGrantedEvent',
    dataSchema: 'ChoiceData',
    says: 'A person consented to a purpose.',
  },
  'sijill.consent.withdrawn.v1': {
    data: ChoiceData,
    schema: 'ConsentWithdrawnEvent',
    dataSchema: 'ChoiceData',
    says: 'A person took a consent back.',
  },
  'sijill.objection.raised.v1': {
    data: ChoiceData,
    schema: 'ObjectionRaisedEvent',
    dataSchema: 'ChoiceData',
    says: 'A person objected to a purpose.',
  },
  'sijill.objection.lifted.v1': {
    data: ChoiceData,
    schema: 'ObjectionLiftedEvent',
    dataSchema: 'ChoiceData',
    says: 'A person took an objection back.',
  },
  'sijill.request.received.v1': {
    data: RightsRequestData,
    schema: 'RequestReceivedEvent',
    dataSchema: 'RightsRequestData',
    says: 'A person asked for one of their rights.',
  },
  'sijill.request.extended.v1': {
    data: RightsRequestData,
    schema: 'RequestExtendedEvent',
    dataSchema: 'RightsRequestData',
    says: 'The time to answer a rights request was extended.',
  },
  'sijill.request.answered.v1': {
    data: RightsRequestData,
    schema: 'RequestAnsweredEvent',
    dataSchema: 'RightsRequestData',
    says: 'A rights request was answered.',
  },
  'sijill.request.refused.v1': {
    data: RefusedRequestData,
    schema: 'RequestRefusedEvent',
    dataSchema: 'RefusedRequestData',
    says: 'A rights request was refused.',
  },
  'sijill.subject.minor_identified.v1': {
    data: MinorIdentifiedData,
    schema: 'MinorIdentifiedEvent',
    dataSchema: 'MinorIdentifiedData',
    says: 'A person turned out to be a minor.',
  },
  'sijill.identifier.released.v1': {
    data: ReleasedIdentifierData,
    schema: 'IdentifierReleasedEvent',
    dataSchema: 'ReleasedIdentifierData',
    says: 'An identifier leads to nobody from then on: a number was given back, an account was closed.',
  },
  'sijill.producer.heartbeat.v1': {
    data: HeartbeatData,
    schema: 'ProducerHeartbeatEvent',
    dataSchema: 'HeartbeatData',
    says: 'A producer is there, and says how far its counter has come.',
  },
  'sijill.recipient.notified.v1': {
    data: RecipientNoticeData,
    schema: 'RecipientNotifiedEvent',
    dataSchema: 'RecipientNoticeData',
    says: 'A recipient was told of a later change.',
  },
  'sijill.recipient.acknowledged.v1': {
    data: RecipientNoticeData,
    schema: 'RecipientAcknowledgedEvent',
    dataSchema: 'RecipientNoticeData',
    says: 'A recipient confirmed such a notice.',
  },
  'sijill.breach.detected.v1': {
    data: BreachData,
    schema: 'BreachDetectedEvent',
    dataSchema: 'BreachData',
    says: 'A breach of personal data was detected.',
  },
  'sijill.breach.reported.v1': {
    data: BreachData,
    schema: 'BreachReportedEvent',
    dataSchema: 'BreachData',
    says: 'A breach was reported to an authority or to the people concerned.',
  },
};

/** Every type a producer may send, in the order of the catalogue. */
export const PRODUCER_EVENT_TYPES = Object.keys(EVENT_CATALOGUE) as readonly ProducerEventType[];

/** Entries that the ledger writes itself; no producer may send them. */
export const LEDGER_ENTRY_TYPES = [
  'sijill.ledger.founded.v1',
  'sijill.ledger.restored.v1',
  'sijill.settings.in_force.v1',
  'sijill.producer.registered.v1',
  'sijill.producer.changed.v1',
  'sijill.producer.retired.v1',
  'sijill.key.created.v1',
  'sijill.key.revoked.v1',
  'sijill.subjects.linked.v1',
  'sijill.subjects.separated.v1',
  'sijill.subjects.conflicting.v1',
  'sijill.confirmation.asked.v1',
  'sijill.confirmation.given.v1',
  'sijill.confirmation.declined.v1',
  'sijill.policy.published.v1',
  'sijill.subject.erased.v1',
  'sijill.hold.placed.v1',
  'sijill.hold.released.v1',
  'sijill.report.generated.v1',
  'sijill.report.delivered.v1',
  'sijill.ledger.consulted.v1',
  'sijill.ledger.log_alive.v1',
  'sijill.ledger.subjects_mapped.v1',
  'sijill.ledger.log_key_introduced.v1',
  'sijill.ledger.log_key_retired.v1',
  'sijill.ledger.receipt_key_introduced.v1',
  'sijill.entry.quarantined.v1',
  'sijill.entry.foreign.v1',
  'sijill.records.missed.v1',
] as const;
export type LedgerEntryType = (typeof LEDGER_ENTRY_TYPES)[number];

/** Whether a text names a type that producers may send. */
export function isProducerEventType(type: string): type is ProducerEventType {
  return Object.hasOwn(EVENT_CATALOGUE, type);
}

/**
 * Which of the four activities an entry records; `null` for what accompanies them (consents, requests, notices), for the
 * ledger's own entries and for anything else.
 */
export function activityOf(type: string): Activity | null {
  return isProducerEventType(type) ? activityOfEvent(type) : null;
}

function activityOfEvent(type: ProducerEventType): Activity | null {
  switch (type) {
    case 'sijill.data.collected.v1':
      return 'collection';
    case 'sijill.data.used.v1':
      return 'use';
    case 'sijill.data.disclosed.v1':
      return 'disclosure';
    case 'sijill.data.deleted.v1':
      return 'deletion';
    case 'sijill.data.corrected.v1':
    case 'sijill.consent.granted.v1':
    case 'sijill.consent.withdrawn.v1':
    case 'sijill.objection.raised.v1':
    case 'sijill.objection.lifted.v1':
    case 'sijill.request.received.v1':
    case 'sijill.request.extended.v1':
    case 'sijill.request.answered.v1':
    case 'sijill.request.refused.v1':
    case 'sijill.subject.minor_identified.v1':
    case 'sijill.identifier.released.v1':
    case 'sijill.producer.heartbeat.v1':
    case 'sijill.recipient.notified.v1':
    case 'sijill.recipient.acknowledged.v1':
    case 'sijill.breach.detected.v1':
    case 'sijill.breach.reported.v1':
      return null;
    default: {
      const unlisted: never = type;
      return unlisted;
    }
  }
}

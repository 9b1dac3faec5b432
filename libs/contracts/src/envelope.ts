import { AnyObject, Form, OneOf, Open, Optional, Says, Sequence, Text, Time, VISIBILITY } from './schema-rules.js';
import { PRODUCER_EVENT_TYPES, type ProducerEventType } from './producer-event.js';
import {
  JSON_MEDIA_TYPE,
  lengthOf,
  MAX_EXTENSION_LENGTH,
  PLAIN_TEXT,
  TRACEPARENT,
  UNBROKEN_TEXT,
} from './text-forms.js';

/** The attributes that CloudEvents 1.0 defines itself, `data` among them; every other member of an event is an extension. */
export const ENVELOPE_ATTRIBUTES: readonly string[] = [
  'specversion',
  'id',
  'source',
  'type',
  'time',
  'datacontenttype',
  'dataschema',
  'subject',
  'data',
];

/** Extension attributes that the ledger reads: each has a form of its own, and stands in clear. Every other one is sealed. */
export const OPEN_EXTENSIONS: readonly string[] = ['sequence', 'traceparent'];

/** What an extension attribute may hold. Integers are those that every JSON reader keeps exactly. */
export const EXTENSION_SCHEMA = {
  type: ['string', 'boolean', 'integer'],
  maxLength: MAX_EXTENSION_LENGTH,
  pattern: PLAIN_TEXT.pattern.source,
  minimum: Number.MIN_SAFE_INTEGER,
  maximum: Number.MAX_SAFE_INTEGER,
  [VISIBILITY]: 'sealed',
};

/** The envelope of a producer event: CloudEvents 1.0 in structured mode. Its `data` is judged by the class of its type. */
export class EventEnvelope {
  @Says('Version of CloudEvents')
  @Open()
  @OneOf(['1.0'])
  readonly specversion: '1.0';

  @Says('Unique for its source')
  @Text(1024)
  readonly id: string;

  @Says('The part of the platform that speaks, such as /sms/gateway; it must not name a person')
  @Open()
  @Text(1024, UNBROKEN_TEXT)
  readonly source: string;

  @Open()
  @OneOf(PRODUCER_EVENT_TYPES)
  readonly type: ProducerEventType;

  @Says('When it happened (RFC 3339)')
  @Open()
  @Time()
  readonly time: string;

  @Optional()
  @Text(256, JSON_MEDIA_TYPE)
  readonly datacontenttype?: string;

  @Optional()
  @Text(1024)
  readonly dataschema?: string;

  @Says('What the event is about within its source; it must not name a person')
  @Optional()
  @Text(1024)
  readonly subject?: string;

  @Says('The producer’s own counter for this source, so that gaps show; at most 20 digits')
  @Optional()
  @Open()
  @Sequence()
  readonly sequence?: string | number;

  @Says('The trace that this belongs to (W3C Trace Context)')
  @Optional()
  @Open()
  @Form(TRACEPARENT)
  readonly traceparent?: string;

  @Open()
  @AnyObject()
  readonly data: object;
}

/** Whether a value can stand in an extension attribute; the test that goes with {@link EXTENSION_SCHEMA}. */
export function isExtensionValue(value: unknown): boolean {
  if (typeof value === 'number') return Number.isSafeInteger(value);
  if (typeof value === 'string') return PLAIN_TEXT.pattern.test(value) && lengthOf(value) <= MAX_EXTENSION_LENGTH;
  return typeof value === 'boolean';
}

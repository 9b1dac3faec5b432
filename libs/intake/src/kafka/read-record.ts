import { PLAIN_TEXT, type FieldError } from '@sijill/contracts';
import type { Reading } from '../accepted-event.js';
import { decodeJson } from '../decode.js';
import { readEvent, tooLarge, type ReadingContext } from '../read-event.js';

/** Headers as kafkajs hands them over: bytes, a list where a name came more than once. */
export type RecordHeaders = Readonly<Record<string, Buffer | string | (Buffer | string)[] | null | undefined>>;

/** A Kafka record as kafkajs hands it over, as far as reading needs it. */
export interface KafkaRecord {
  readonly value: Buffer | null;
  readonly headers?: RecordHeaders;
}

/** What a record says it is, as far as that could be made out. A producer's own text, never judged: nothing of it is for the open. */
export interface RecordIdentity {
  readonly source: string | null;
  readonly eventId: string | null;
}

/** A reading, with the record's identity for whoever asks: it is wanted of the few that go to quarantine. */
export type RecordReading = Reading & { readonly identity: () => RecordIdentity };

const PREFIX = 'ce_';

/**
 * Reads one record by the Kafka protocol binding of CloudEvents 1.0: structured mode (`content-type` is
 * application/cloudevents+json) or binary mode (`ce_` headers, the value is the data as JSON).
 */
export function readRecord(record: KafkaRecord, context: ReadingContext): RecordReading {
  const decodedHeaders = textHeaders(record);
  if ('error' in decodedHeaders) return unreadable(decodedHeaders.error);
  const { headers } = decodedHeaders;
  if (record.value === null)
    return unreadable({ path: '', code: 'no_value', message: 'the record has no value; a CloudEvent is expected' });
  if (record.value.length > context.limits.eventBytes) return unreadable(tooLarge(context.limits), headers);

  const contentType = headers['content-type']?.toLowerCase() ?? '';
  if (contentType.startsWith('application/cloudevents+json')) {
    const decoded = decodeJson(record.value);
    return 'error' in decoded ? unreadable(decoded.error) : identified(decoded.value, decoded.faults, context);
  }
  if (headers[`${PREFIX}specversion`] !== undefined) return readBinary(record.value, headers, context);
  const message =
    'no CloudEvent: set the header content-type to application/cloudevents+json, or send the attributes as ce_ headers';
  return unreadable({ path: '', code: 'not_a_cloudevent', message });
}

function readBinary(value: Buffer, headers: Record<string, string>, context: ReadingContext): RecordReading {
  const contentType = headers['content-type'] ?? 'application/json';
  if (!/^application\/([a-z0-9.+-]+\+)?json\s*(;|$)/i.test(contentType)) {
    const message = 'in binary mode the value is JSON; set the header content-type to application/json';
    return unreadable({ path: 'datacontenttype', code: 'wrong_content_type', message }, headers);
  }
  const decoded = decodeJson(value);
  if ('error' in decoded) return unreadable({ ...decoded.error, path: 'data' }, headers);
  const event: Record<string, unknown> = { datacontenttype: contentType };
  for (const [name, text] of Object.entries(headers))
    if (name.startsWith(PREFIX)) event[name.slice(PREFIX.length)] = text;
  event['data'] = decoded.value;
  const faults = decoded.faults.map((fault) => ({ ...fault, path: fault.path === '' ? 'data' : `data.${fault.path}` }));
  return identified(event, faults, context);
}

const strictUtf8 = new TextDecoder('utf-8', { fatal: true });

function textHeaders(record: KafkaRecord): { headers: Record<string, string> } | { error: FieldError } {
  const texts: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const [name, value] of Object.entries(record.headers ?? {})) {
    const ours = name.startsWith(PREFIX) || name.toLowerCase() === 'content-type';
    // A header without a value is not set, as an attribute that is null is not.
    if (!ours || value === undefined || value === null) continue;
    // Of two spellings of one name, which came first must not decide.
    const own = name.startsWith(PREFIX) ? name : 'content-type';
    if (Array.isArray(value) || own in texts)
      return { error: { path: '', code: 'duplicate_header', message: 'a CloudEvents header is there more than once' } };
    try {
      texts[own] = typeof value === 'string' ? value : strictUtf8.decode(value);
    } catch {
      return { error: { path: '', code: 'invalid_utf8', message: 'a CloudEvents header is not valid UTF-8' } };
    }
  }
  return { headers: texts };
}

function unreadable(error: FieldError, headers: Record<string, string> = {}): RecordReading {
  const identity = (): RecordIdentity => identityOf(headers[`${PREFIX}source`], headers[`${PREFIX}id`]);
  return { errors: [error], identity };
}

/** @param faults of its text, see `DecodedJson` */
function identified(value: unknown, faults: readonly FieldError[], context: ReadingContext): RecordReading {
  const identity = (): RecordIdentity => {
    const { source, id } = (typeof value === 'object' && value !== null ? value : {}) as Record<string, unknown>;
    return identityOf(source, id);
  };
  return faults.length > 0 ? { errors: [...faults], identity } : { ...readEvent(value, context), identity };
}

function identityOf(source: unknown, id: unknown): RecordIdentity {
  return { source: storable(source), eventId: storable(id) };
}

const LONGEST_IDENTITY = 1024;

/** What no store can hold, or is longer than any event may be called, must not keep the record itself from being stored. */
function storable(text: unknown): string | null {
  return typeof text === 'string' && text.length <= LONGEST_IDENTITY && PLAIN_TEXT.pattern.test(text) ? text : null;
}

import {
  instantOf,
  ENVELOPE_ATTRIBUTES,
  MAX_DETAILS_BYTES,
  mayUseSource,
  validateEvent,
  type DataSubject,
  type FieldError,
  type ProducerEvent,
  type Speaker,
} from '@sijill/contracts';
import { looksPersonal, namedIdentifier, type NamedIdentifier } from '@sijill/vault';
import type { Person, Reading } from './accepted-event.js';

export interface IntakeLimits {
  readonly eventBytes: number;
  readonly dataSubjects: number;
  readonly clockSkewSeconds: number;
}

export interface ReadingContext {
  readonly limits: IntakeLimits;
  readonly defaultRegion: string;
  /** Milliseconds since the Unix epoch. */
  readonly now: number;
  /** Who sends it: what it may speak for. */
  readonly speaker: Speaker;
}

/** Too large to be worth parsing; the limit is in the message. */
export function tooLarge(limits: IntakeLimits): FieldError {
  return {
    path: '',
    code: 'event_too_large',
    message: `an event may hold ${limits.eventBytes} bytes; send fewer data subjects or less detail in one event`,
  };
}

/**
 * Reads one structured-mode CloudEvent: schema first, then what a schema cannot say (numbers that exist, times that are past,
 * limits of this server, and what its producer may say). All faults of a stage are named at once.
 *
 * @param given parsed JSON
 */
export function readEvent(given: unknown, context: ReadingContext): Reading {
  const value = withoutNulls(given);
  // Counted before the schema walks them: a list of ten thousand people is one fault, not ten thousand.
  const subjects = subjectsOf(value);
  if (subjects.length > context.limits.dataSubjects) {
    const message = `an event may name ${context.limits.dataSubjects} data subjects; send the rest in further events with ids of their own`;
    return { errors: [{ path: 'data.dataSubjects', code: 'too_many_subjects', message }] };
  }
  const schemaErrors = validateEvent(value);
  if (schemaErrors.length > 0) return { errors: schemaErrors };

  const event = value as ProducerEvent;
  const errors: FieldError[] = [];
  const occurredAt = instantOf(event.time);
  if (Number.isNaN(occurredAt)) {
    errors.push({
      path: 'time',
      code: 'bad_format',
      message: 'no such instant; give RFC 3339, such as 2026-07-01T09:15:02.114Z',
    });
  } else if (occurredAt > context.now + context.limits.clockSkewSeconds * 1000) {
    const message = `lies more than ${context.limits.clockSkewSeconds} s ahead of this server's clock; check the clock of the producer`;
    errors.push({ path: 'time', code: 'time_in_future', message });
  }
  errors.push(...sourceFaults(event.source, context), ...openTexts(event, context.defaultRegion), ...tooLong(event));
  const people = (event.data.dataSubjects ?? []).map((subject, i) => personOf(subject, i, context, errors));
  return errors.length > 0 ? { errors } : { accepted: { event, occurredAt, people } };
}

/** An event without attributes that are null: to CloudEvents (JSON format, section 2.2) these are not set. What is null in its data stays. */
function withoutNulls(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const attributes = Object.entries(value);
  const set = attributes.filter(([name, member]) => member !== null || name === 'data');
  return set.length === attributes.length ? value : Object.fromEntries(set);
}

function subjectsOf(value: unknown): readonly unknown[] {
  const subjects = (value as { data?: { dataSubjects?: unknown } } | null)?.data?.dataSubjects;
  return Array.isArray(subjects) ? subjects : [];
}

function personOf(
  subject: DataSubject,
  place: number,
  { defaultRegion, speaker }: ReadingContext,
  errors: FieldError[],
): Person {
  const identifiers = subject.identifiers.flatMap((given, k): NamedIdentifier[] => {
    const named = namedIdentifier(given, defaultRegion, speaker.realm);
    const path = `data.dataSubjects[${place}].identifiers[${k}]`;
    if ('code' in named) {
      errors.push({ path: `${path}.${named.member ?? 'value'}`, code: named.code, message: named.message });
      return [];
    }
    // A national id's country is nobody's own.
    if (named.scheme !== 'national_id' && named.realm !== null && named.realm !== speaker.realm && !speaker.mayLink) {
      const message = `the producer ${speaker.producer} speaks of ids of the realm ${speaker.realm} only; leave the realm out, or have its right to link registered`;
      errors.push({ path: `${path}.realm`, code: 'foreign_realm', message });
    }
    return [named];
  });
  return { identifiers };
}

const PERSONAL = 'looks like a phone number or an email address; people are named in data.dataSubjects only';

/** A source lies in clear, whole and in each of its segments. */
function sourceFaults(source: string, { speaker, defaultRegion }: ReadingContext): FieldError[] {
  if (isPersonalSource(source, defaultRegion))
    return [{ path: 'source', code: 'personal_data_in_envelope', message: PERSONAL }];
  if (mayUseSource(speaker, source)) return [];
  const message = `the producer ${speaker.producer} may not use this source; its own begin with ${speaker.sources.join(', ')}`;
  return [{ path: 'source', code: 'foreign_source', message }];
}

// One producer has few sources, and asking whether a text holds a number takes longer than all else that is done with one.
const sources = new Map<string, boolean>();
const SOURCES_KEPT = 10_000;

/** Whether a source, or a segment of it, looks like a phone number or an email address. */
export function isPersonalSource(source: string, region: string): boolean {
  const key = `${region} ${source}`;
  let personal = sources.get(key);
  if (personal === undefined) {
    personal = looksPersonal(source, region) || source.split(/[/#?&=;,:|]/).some((part) => looksPersonal(part, region));
    if (sources.size >= SOURCES_KEPT) sources.clear();
    sources.set(key, personal);
  }
  return personal;
}

/** Short codes that stand open in an entry: where each is in `data`. */
const CODES = ['system', 'processingActivity', 'policyVersion', 'noticeVersion'] as const;
const PARTIES = ['recipient', 'onBehalfOf'] as const;

interface Party {
  readonly id?: string;
  readonly kind?: string;
}

/** What lies in clear in an entry must not name a person. What is sealed may. */
function openTexts(event: ProducerEvent, region: string): FieldError[] {
  const data = event.data as Readonly<Record<string, unknown>>;
  const errors: FieldError[] = [];
  const look = (path: string, text: unknown): void => {
    if (typeof text === 'string' && mayBePersonal(text) && looksPersonal(text, region))
      errors.push({ path: `data.${path}`, code: 'personal_data_in_code', message: PERSONAL });
  };
  for (const name of CODES) look(name, data[name]);
  for (const name of PARTIES) {
    const party = data[name] as Party | undefined;
    if (party?.kind !== 'person') look(`${name}.id`, party?.id);
  }
  return errors;
}

/** A glance: without an @, a + or eight digits nothing is taken for a person's. */
function mayBePersonal(text: string): boolean {
  return /[@+]|(?:\p{Nd}[\s().-]*){8}|tel:|sms:/iu.test(text);
}

/** In sum: an event about a thousand people carries them a thousand times. */
const MAX_EXTENSIONS_LENGTH = 16 * 1024;

function tooLong(event: ProducerEvent): FieldError[] {
  const errors: FieldError[] = [];
  let extensionsLength = 0;
  for (const [name, value] of Object.entries(event))
    if (!ENVELOPE_ATTRIBUTES.includes(name)) extensionsLength += String(value).length;
  if (extensionsLength > MAX_EXTENSIONS_LENGTH) {
    const message = `extension attributes may hold ${MAX_EXTENSIONS_LENGTH} characters together; every entry of the event repeats them`;
    errors.push({ path: '', code: 'too_long', message });
  }
  const { details, dataSubjects = [] } = event.data as { details?: unknown; dataSubjects?: readonly DataSubject[] };
  const measure = (path: string, given: unknown): void => {
    if (given !== undefined && Buffer.byteLength(JSON.stringify(given)) > MAX_DETAILS_BYTES)
      errors.push({ path, code: 'too_long', message: `may hold ${MAX_DETAILS_BYTES} bytes of JSON` });
  };
  measure('data.details', details);
  dataSubjects.forEach((subject, i) => measure(`data.dataSubjects[${i}].details`, subject.details));
  return errors;
}

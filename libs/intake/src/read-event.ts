import {
  instantOf,
  ENVELOPE_ATTRIBUTES,
  MAX_DETAILS_BYTES,
  validateEvent,
  type FieldError,
  type ProducerEvent,
} from '@sijill/contracts';
import { looksPersonal, namesPerson, normalizeIdentifier } from '@sijill/vault';
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
 * limits of this server). All faults of a stage are named at once.
 *
 * @param value parsed JSON
 */
export function readEvent(value: unknown, context: ReadingContext): Reading {
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
  errors.push(...personalAttributes(event, context.defaultRegion));
  const { details } = event.data as { details?: unknown };
  if (details !== undefined && Buffer.byteLength(JSON.stringify(details)) > MAX_DETAILS_BYTES) {
    errors.push({ path: 'data.details', code: 'too_long', message: `may hold ${MAX_DETAILS_BYTES} bytes of JSON` });
  }
  const people = (event.data.dataSubjects ?? []).map((subject, i): Person => {
    const normalized = subject.identifiers.map((identifier, k) => {
      const result = normalizeIdentifier(identifier, context.defaultRegion);
      if (typeof result !== 'string') {
        errors.push({
          path: `data.dataSubjects[${i}].identifiers[${k}].value`,
          code: result.code,
          message: result.message,
        });
      }
      return { scheme: identifier.scheme, value: typeof result === 'string' ? result : '' };
    });
    return { given: subject.identifiers, normalized, role: subject.role ?? null };
  });
  return errors.length > 0 ? { errors } : { accepted: { event, occurredAt, people } };
}

function subjectsOf(value: unknown): readonly unknown[] {
  const subjects = (value as { data?: { dataSubjects?: unknown } } | null)?.data?.dataSubjects;
  return Array.isArray(subjects) ? subjects : [];
}

/** In sum: an event about a thousand people carries them a thousand times. */
const MAX_EXTENSIONS_LENGTH = 16 * 1024;

/** Attributes whose form is their own and cannot be mistaken for a person's. */
const MACHINE_ATTRIBUTES = new Set(['sequence', 'traceparent', 'tracestate']);

const PERSONAL = 'looks like a phone number or an email address; people are named in data.dataSubjects only';

/** What lies in clear in an entry must not name a person. */
function personalAttributes(event: ProducerEvent, region: string): FieldError[] {
  const errors: FieldError[] = [];
  const { data, specversion: _1, type: _2, time: _3, datacontenttype: _4, ...attributes } = event;
  let extensionsLength = 0;
  for (const [name, value] of Object.entries(attributes)) {
    if (MACHINE_ATTRIBUTES.has(name)) continue;
    const text = String(value);
    const named = name === 'id' || name === 'source' ? namesPerson(text, region) : looksPersonal(text, region);
    if (named) errors.push({ path: name, code: 'personal_data_in_envelope', message: PERSONAL });
    if (ENVELOPE_ATTRIBUTES.includes(name)) continue;
    extensionsLength += text.length;
    // The name of an extension is the sender's own text too.
    if (looksPersonal(name, region))
      errors.push({ path: '(extension)', code: 'personal_data_in_envelope', message: PERSONAL });
  }
  if (extensionsLength > MAX_EXTENSIONS_LENGTH) {
    const message = `extension attributes may hold ${MAX_EXTENSIONS_LENGTH} characters together; every entry of the event repeats them`;
    errors.push({ path: '', code: 'too_long', message });
  }
  const { system } = data as { system?: string };
  if (system !== undefined && looksPersonal(system, region)) {
    errors.push({ path: 'data.system', code: 'personal_data_in_envelope', message: PERSONAL });
  }
  return errors;
}

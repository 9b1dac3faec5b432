import type { ErrorObject } from 'ajv';
import { ENVELOPE_ATTRIBUTES, OPEN_EXTENSIONS } from './envelope.js';
import type { FieldError } from './field-error.js';
import { saysOf } from './text-forms.js';

/** How many faults of one event are named. A hostile event could else have an answer many times its own size. */
export const MAX_FAULTS = 100;

/** Stands in a path for a name that might be anything, even personal data. */
export const UNPRINTABLE = '(unprintable)';

/** A name from the input as its sender may be shown it. It has no dot, so that a path tells where it begins. */
export function printable(name: string): string {
  return /^[A-Za-z][A-Za-z0-9_-]{0,63}$/.test(name) ? name : UNPRINTABLE;
}

/**
 * A fault as it may be written down for ever, in a quarantine entry or a log. Its sender is told the names of unknown fields and
 * of extension attributes; since a name can be anything, such as somebody's number, these are left out here.
 */
export function faultToKeep(fault: FieldError): FieldError {
  const [first = '', ...rest] = fault.path.split('.');
  const [attribute = ''] = first.split('[');
  if (first !== '' && !ENVELOPE_ATTRIBUTES.includes(attribute) && !OPEN_EXTENSIONS.includes(attribute)) {
    return { ...fault, path: '(extension)' };
  }
  if (fault.code !== 'unknown_field') return fault;
  return { ...fault, path: [first, ...rest.slice(0, -1), '(unknown)'].join('.') };
}

/**
 * Faults as Ajv found them, one for each place, in the order of the schema. A value of the wrong type breaks other rules as
 * well; only the first cause is named.
 *
 * @param errors in verbose form
 */
export function faultsOf(errors: readonly ErrorObject[]): FieldError[] {
  const faults = new Map<string, FieldError>();
  for (const error of errors) {
    // The rule that a name broke; that a name is wrong is reported beside it.
    if (error.propertyName !== undefined) continue;
    const fault = faultOf(error);
    const earlier = faults.get(fault.path);
    if (earlier === undefined && faults.size === MAX_FAULTS) {
      return [
        ...faults.values(),
        { path: '', code: 'too_many_faults', message: 'has more faults than are listed here' },
      ];
    }
    if (earlier === undefined || rank(fault) < rank(earlier)) faults.set(fault.path, fault);
  }
  return [...faults.values()];
}

/** What is named first of several faults in one place. */
function rank(fault: FieldError): number {
  const place = ['unknown_field', 'wrong_type', 'empty', 'too_long'].indexOf(fault.code);
  return place === -1 ? Infinity : place;
}

function faultOf(error: ErrorObject): FieldError {
  const path = pathOf(error.instancePath);
  const params = error.params as Record<string, unknown>;
  switch (error.keyword) {
    case 'required':
      return {
        path: join(path, params['missingProperty'] as string),
        code: 'required',
        message: 'is missing; this kind of event requires it',
      };
    case 'additionalProperties':
      return unknownField(path, params['additionalProperty'] as string, error);
    case 'propertyNames':
      return unknownAttribute(params['propertyName'] as string);
    case 'type':
      return { path, code: 'wrong_type', message: wrongType(params['type'] as string | string[], error.data) };
    case 'enum':
      return unknownValue(path, params['allowedValues'] as string[]);
    case 'minLength':
    case 'minItems':
    case 'minProperties':
      return { path, code: 'empty', message: 'is empty; give a value, or leave the field out where it is optional' };
    case 'maxItems':
      return {
        path,
        code: 'too_many',
        message: `may hold ${String(params['limit'])}; send the rest in further events`,
      };
    case 'maxLength':
      return { path, code: 'too_long', message: `may hold ${String(params['limit'])} characters; shorten it` };
    case 'pattern':
      return { path, code: 'bad_format', message: `must be ${saysOf(params['pattern'] as string)}` };
    case 'format':
      return {
        path,
        code: 'bad_format',
        message: 'must be a date and time of RFC 3339 with its offset, such as 2026-07-01T09:15:02.114Z',
      };
    case 'uniqueItems': {
      const [first, second] = [params['i'] as number, params['j'] as number].sort((a, b) => a - b);
      return { path, code: 'duplicate_item', message: `items ${first} and ${second} are the same; list each once` };
    }
    case 'minimum':
    case 'maximum':
      return { path, code: 'out_of_range', message: 'must be an integer that fits 53 bits; send larger ones as text' };
    default:
      return { path, code: 'invalid', message: `breaks the rule "${error.keyword}" of the schema` };
  }
}

function unknownValue(path: string, allowed: readonly string[]): FieldError {
  if (path === 'type') {
    const message = `is no event type that producers send; give one of these, with its version: ${allowed.join(', ')}`;
    return { path, code: 'unknown_type', message };
  }
  return {
    path,
    code: 'unknown_value',
    message: `must be ${allowed.length > 1 ? 'one of ' : ''}${allowed.join(', ')}`,
  };
}

function unknownField(path: string, name: string, error: ErrorObject): FieldError {
  const message = `is unknown here; known are ${knownFields(error).join(', ')}`;
  return { path: join(path, printable(name)), code: 'unknown_field', message };
}

/** The envelope is open, but not for every name. */
function unknownAttribute(name: string): FieldError {
  const message =
    name === 'data_base64'
      ? 'is not read; send JSON in data, and refer to binary content in data.evidence'
      : 'is no attribute name; extension attributes have 1 to 64 lower-case letters and digits';
  return { path: printable(name), code: 'unknown_field', message };
}

function knownFields(error: ErrorObject): string[] {
  return Object.keys((error.parentSchema as { properties?: object } | undefined)?.properties ?? {}).sort();
}

const TYPE_WORDS: Readonly<Record<string, string>> = {
  object: 'an object',
  array: 'a list',
  string: 'a string',
  boolean: 'true or false',
  integer: 'an integer',
  number: 'a number',
};

function wrongType(expected: string | readonly string[], value: unknown): string {
  const words = [expected].flat().map((type) => TYPE_WORDS[type] ?? type);
  const must = `must be ${words.join(' or ')}`;
  return value === null ? `${must}, not null; an optional field is left out instead` : must;
}

/** A JSON Pointer as our paths are written. Every object below the envelope is closed, so a number is an index there. */
function pathOf(pointer: string): string {
  let path = '';
  for (const [depth, segment] of pointer.split('/').slice(1).entries()) {
    const name = segment.replaceAll('~1', '/').replaceAll('~0', '~');
    if (depth > 0 && /^\d+$/.test(name)) path += `[${name}]`;
    else path = join(path, depth === 0 && !ENVELOPE_ATTRIBUTES.includes(name) ? printable(name) : name);
  }
  return path;
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}

import 'reflect-metadata';
import { Type } from 'class-transformer';
import { ValidateBy, ValidateIf, ValidateNested, type ValidationOptions } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { isRfc3339 } from './rfc3339.js';
import { lengthOf, PLAIN_TEXT, SEQUENCE, type TextForm } from './text-forms.js';

/** Where component schemas live, in OpenAPI and AsyncAPI alike. */
export const SCHEMA_PREFIX = '#/components/schemas/';

/** A piece of JSON Schema. */
export type SchemaPart = Readonly<Record<string, unknown>>;

/** The names of the rules below. json-schema.ts turns each into the schema that the rule carries as its constraint. */
export const RULE_NAMES = ['text', 'time', 'one_of', 'list', 'flag', 'object', 'json'] as const;
type RuleName = (typeof RULE_NAMES)[number];

// Each rule is written twice, side by side: as a test on the value and as a schema. They are our own because the stock
// decorators and their stock schemas accept different inputs (lengths, null, arrays for objects); the property test holds
// the two together.
function rule(
  name: RuleName,
  schema: SchemaPart,
  accepts: (value: unknown) => boolean,
  options?: ValidationOptions,
): PropertyDecorator {
  return ValidateBy({ name, constraints: [schema], validator: { validate: accepts } }, options);
}

/** The field may be left out. It may not be null: absent is the one way to say nothing. */
export function Optional(): PropertyDecorator {
  return ValidateIf((_object: unknown, value: unknown) => value !== undefined);
}

/** What the field means, for whoever reads the schema. */
export function Says(description: string): PropertyDecorator {
  return annotated({ description });
}

/** Says of every field in every published schema whether it stands in clear in an entry: `open` or `sealed`. */
export const VISIBILITY = 'x-sijill-visibility';
/** In words, on what the visibility of such a field depends. */
export const OPEN_WHEN = 'x-sijill-open-when';
/** The words of a field that producers may extend. */
export const WORDS = 'x-sijill-words';
/** Whose key a sealed field has, where it is not the data subject's own: `staff` or `shared`. */
export const SEALED_FOR = 'x-sijill-sealed-for';
export const ANNOTATIONS: readonly string[] = [VISIBILITY, OPEN_WHEN, WORDS, SEALED_FOR];

/**
 * The field stands in clear in an entry, for ever: nobody can take it out again. What does not say so is sealed. An object is
 * open when some member of it is; its members say for themselves.
 *
 * @param when in words, where it is open under a condition only
 */
export function Open(when?: string): PropertyDecorator {
  return annotated({ [VISIBILITY]: 'open', ...(when === undefined ? {} : { [OPEN_WHEN]: when }) });
}

/** The field is sealed, but for a case told in words. */
export function SealedUnless(when: string): PropertyDecorator {
  return annotated({ [OPEN_WHEN]: when });
}

/** The field is sealed with another key than the data subject's own. */
export function SealedFor(holder: 'staff' | 'shared'): PropertyDecorator {
  return annotated({ [SEALED_FOR]: holder });
}

/** JSONSchema() forgets what an earlier one said of the field; this adds to it. */
function annotated(more: SchemaPart): PropertyDecorator {
  return (target, property) => {
    const earlier = (Reflect.getOwnMetadata(annotated, target, property) ?? {}) as SchemaPart;
    const all = { ...earlier, ...more };
    Reflect.defineMetadata(annotated, all, target, property);
    JSONSchema(all)(target, property as string);
  };
}

/** Text of 1 to `max` code points. */
export function Text(max = 256, form: TextForm = PLAIN_TEXT): PropertyDecorator {
  const schema = { type: 'string', minLength: 1, maxLength: max, pattern: form.pattern.source };
  return rule('text', schema, (value) => {
    if (typeof value !== 'string' || !form.pattern.test(value)) return false;
    const length = lengthOf(value);
    return length >= 1 && length <= max;
  });
}

/** Text whose form bounds its length already. */
export function Form(form: TextForm): PropertyDecorator {
  const schema = { type: 'string', pattern: form.pattern.source };
  return rule('text', schema, (value) => typeof value === 'string' && form.pattern.test(value));
}

/** An instant, as RFC 3339 writes it. */
export function Time(): PropertyDecorator {
  const schema = { type: 'string', format: 'date-time' };
  return rule('time', schema, (value) => typeof value === 'string' && isRfc3339(value));
}

/** One of a closed set; with `each`, every item of a list is. */
export function OneOf(values: readonly string[], options?: { readonly each: true }): PropertyDecorator {
  const schema = { type: 'string', enum: [...values] };
  return rule('one_of', schema, (value) => typeof value === 'string' && values.includes(value), options);
}

/**
 * A descriptive word of a list, or another short text. In an entry a word of the list stands in clear; for another one
 * `other` does, and the word itself is sealed.
 */
export function Word(words: readonly string[]): PropertyDecorator {
  const decorators = [
    Text(),
    annotated({
      [VISIBILITY]: 'open',
      [OPEN_WHEN]: `it is one of ${WORDS}; for another word stands "other", and the word itself is sealed`,
      [WORDS]: [...words],
    }),
  ];
  return (target, property) => decorators.forEach((decorate) => decorate(target, property));
}

/** A producer's own counter, as text or as a number that every JSON reader keeps exactly. */
export function Sequence(): PropertyDecorator {
  const bounds = { minimum: 0, maximum: Number.MAX_SAFE_INTEGER };
  const schema = { type: ['string', 'integer'], pattern: SEQUENCE.pattern.source, ...bounds };
  return rule('text', schema, (value) => {
    if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0;
    return typeof value === 'string' && SEQUENCE.pattern.test(value);
  });
}

/** A list with at least one item, and at most `max`. Say what the items are with another rule and `each`. */
export function NonEmptyList(options: { readonly unique?: true; readonly max?: number } = {}): PropertyDecorator {
  const { unique, max = Infinity } = options;
  const limits = { ...(unique ? { uniqueItems: true } : {}), ...(max === Infinity ? {} : { maxItems: max }) };
  const schema = { type: 'array', minItems: 1, ...limits };
  return rule('list', schema, (value) => {
    if (!Array.isArray(value) || value.length === 0 || value.length > max) return false;
    return !unique || new Set(value).size === value.length;
  });
}

export function Flag(): PropertyDecorator {
  return rule('flag', { type: 'boolean' }, (value) => typeof value === 'boolean');
}

/** An object whose fields are judged elsewhere. */
export function AnyObject(): PropertyDecorator {
  return rule('object', { type: 'object' }, isObject);
}

/** Any JSON but null, which would say no more than leaving the field out. */
export function AnyJson(): PropertyDecorator {
  const schema = { type: ['object', 'array', 'string', 'number', 'boolean'] };
  return rule('json', schema, (value) => value !== undefined && value !== null);
}

/**
 * An object of a class of its own (a list of them with `each`), with at least one field.
 *
 * @param schemaName name of the component schema of that class, written out so that renaming a class changes no document
 */
export function Nested(
  type: () => new () => object,
  schemaName: string,
  options?: { readonly each: true },
): PropertyDecorator {
  const decorators = [
    Type(type),
    ValidateNested(options),
    // ValidateNested alone would take a list where one object is meant, and a list of lists for a list.
    rule('object', { $ref: SCHEMA_PREFIX + schemaName }, (value) => isObject(value) && hasField(value), options),
  ];
  return (target, property) => decorators.forEach((decorate) => decorate(target, property));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

// Class fields exist as undefined on every instance.
function hasField(value: object): boolean {
  return Object.values(value).some((field) => field !== undefined);
}

import 'reflect-metadata';
import { Type } from 'class-transformer';
import { ValidateBy, ValidateIf, ValidateNested, type ValidationOptions } from 'class-validator';
import { JSONSchema } from 'class-validator-jsonschema';
import { isRfc3339 } from './rfc3339.js';
import { lengthOf, PLAIN_TEXT, type TextForm } from './text-forms.js';

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
  return JSONSchema({ description }) as PropertyDecorator;
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

/** A list with at least one item. Say what the items are with another rule and `each`. */
export function NonEmptyList(options: { readonly unique?: true } = {}): PropertyDecorator {
  const schema = { type: 'array', minItems: 1, ...(options.unique ? { uniqueItems: true } : {}) };
  return rule('list', schema, (value) => {
    if (!Array.isArray(value) || value.length === 0) return false;
    return !options.unique || new Set(value).size === value.length;
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

import { targetConstructorToSchema } from 'class-validator-jsonschema';
import { ValidationTypes } from 'class-validator';
import type { ValidationMetadata } from 'class-validator/types/metadata/ValidationMetadata.js';
import { EventEnvelope, EXTENSION_SCHEMA } from './envelope.js';
import { Customer, DataSubject, IdentifierGiven, Recipient, Reference, ReleasingSubject } from './event-parts.js';
import { EVENT_CATALOGUE, PRODUCER_EVENT_TYPES, type ProducerEventType } from './producer-event.js';
import { RULE_NAMES, SCHEMA_PREFIX, VISIBILITY, type SchemaPart } from './schema-rules.js';
import { EXTENSION_NAME } from './text-forms.js';

/** A schema of an object, as this library makes them. */
export interface ObjectSchema {
  readonly type: 'object';
  readonly properties: Readonly<Record<string, SchemaPart>>;
  readonly required?: readonly string[];
  /** `false`, but for the envelope: there it is what extension attributes may hold. */
  readonly additionalProperties: false | object;
  readonly [keyword: string]: unknown;
}

/** Name of the component schema that every event satisfies, whatever its type. */
export const ENVELOPE_SCHEMA = 'EventEnvelope';

// As @Nested() names them.
const PARTS = {
  EventIdentifier: IdentifierGiven,
  EventDataSubject: DataSubject,
  EventReleasingSubject: ReleasingSubject,
  EventRecipient: Recipient,
  EventCustomer: Customer,
  EventReference: Reference,
};

// Every rule carries its schema; see schema-rules.ts.
const carriedSchema = (metadata: ValidationMetadata): object => metadata.constraints[0] as object;
const CONVERTERS = {
  ...Object.fromEntries(RULE_NAMES.map((name) => [name, carriedSchema])),
  [ValidationTypes.NESTED_VALIDATION]: {},
};

/**
 * The JSON Schemas of the producer events, derived from the classes: the envelope, the parts, the data of each kind, and one
 * whole event per type. They refer to each other under `#/components/schemas/`, so the record can be put into an OpenAPI 3.1
 * or AsyncAPI 3 document as it is. A new record each time; the caller may change it.
 */
export function eventSchemas(): Record<string, ObjectSchema> {
  const envelope = {
    ...schemaOf(EventEnvelope),
    propertyNames: { pattern: EXTENSION_NAME.source },
    additionalProperties: EXTENSION_SCHEMA,
  };
  const schemas: Record<string, ObjectSchema> = { [ENVELOPE_SCHEMA]: envelope };
  for (const [name, part] of Object.entries(PARTS)) schemas[name] = schemaOf(part);
  for (const type of PRODUCER_EVENT_TYPES) {
    const { data, dataSchema, schema } = EVENT_CATALOGUE[type];
    schemas[dataSchema] ??= schemaOf(data);
    schemas[schema] = wholeEvent(type, envelope);
  }
  return schemas;
}

function wholeEvent(type: ProducerEventType, envelope: ObjectSchema): ObjectSchema {
  const { dataSchema, says } = EVENT_CATALOGUE[type];
  return {
    ...structuredClone(envelope),
    description: says,
    properties: {
      ...structuredClone(envelope.properties),
      type: { type: 'string', enum: [type], [VISIBILITY]: 'open' },
      data: { $ref: SCHEMA_PREFIX + dataSchema, [VISIBILITY]: 'open' },
    },
  };
}

/** class-validator-jsonschema leaves objects open; ours are closed. Whatever is not declared open is sealed, and says so. */
function schemaOf(target: new () => object): ObjectSchema {
  const derived = targetConstructorToSchema(target, {
    additionalConverters: CONVERTERS,
    refPointerPrefix: SCHEMA_PREFIX,
  });
  const properties = Object.entries((derived.properties ?? {}) as ObjectSchema['properties']).map(
    ([name, property]): [string, SchemaPart] => [name, { [VISIBILITY]: 'sealed', ...property }],
  );
  return { ...derived, properties: Object.fromEntries(properties), additionalProperties: false } as ObjectSchema;
}

import { ENVELOPE_ATTRIBUTES, OPEN_EXTENSIONS } from './envelope.js';
import { EXAMPLE_EVENT } from './example-event.js';
import { eventSchemas, type ObjectSchema } from './json-schema.js';
import { EVENT_CATALOGUE, PRODUCER_EVENT_TYPES, type ProducerEventType } from './producer-event.js';
import { SCHEMA_PREFIX } from './schema-rules.js';

export interface AsyncApiOptions {
  /** Version of the server. */
  readonly version: string;
  /** Kafka topics that are read. */
  readonly topics: readonly string[];
  /** Consumer group. */
  readonly group: string;
}

/**
 * The AsyncAPI 3.0 document of the Kafka intake. Every event type is there twice, as the CloudEvents Kafka binding knows two
 * content modes: structured (the value is the whole event) and binary (attributes in `ce_` headers, the value is `data`).
 */
export function asyncApiDocument(options: AsyncApiOptions): object {
  const schemas = eventSchemas();
  const messages = Object.fromEntries(
    PRODUCER_EVENT_TYPES.flatMap((type) => [
      [messageName(type, 'structured'), structuredMessage(type)],
      [messageName(type, 'binary'), binaryMessage(type, schemas)],
    ]),
  );
  const topics = options.topics.map((topic, index) => ({ topic, key: `topic${index + 1}` }));
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Sijill intake',
      version: options.version,
      description: 'Events that producers send to the privacy audit ledger.',
      license: { name: 'Apache-2.0', url: 'https://www.apache.org/licenses/LICENSE-2.0' },
    },
    defaultContentType: 'application/cloudevents+json',
    channels: Object.fromEntries(topics.map(({ topic, key }) => [key, channel(topic, Object.keys(messages))])),
    operations: Object.fromEntries(topics.map(({ topic, key }) => [`${key}Intake`, intake(topic, key, options.group)])),
    components: { messages, schemas },
  };
}

type ContentMode = 'structured' | 'binary';

function messageName(type: ProducerEventType, mode: ContentMode): string {
  return `${EVENT_CATALOGUE[type].schema}.${mode}`;
}

function channel(topic: string, messages: readonly string[]): object {
  return {
    address: topic,
    description: 'The record key, if any, must not name a person.',
    messages: Object.fromEntries(messages.map((name) => [name, { $ref: `#/components/messages/${name}` }])),
    bindings: { kafka: { topic, bindingVersion: '0.5.0' } },
  };
}

function intake(topic: string, channelKey: string, group: string): object {
  return {
    action: 'receive',
    channel: { $ref: `#/channels/${channelKey}` },
    summary: `Reads ${topic} into the ledger; what cannot be understood is kept in quarantine.`,
    bindings: { kafka: { groupId: { type: 'string', enum: [group] }, bindingVersion: '0.5.0' } },
  };
}

function structuredMessage(type: ProducerEventType): object {
  const { schema, says } = EVENT_CATALOGUE[type];
  return {
    name: type,
    title: `${type}, structured`,
    summary: says,
    contentType: 'application/cloudevents+json',
    headers: {
      type: 'object',
      required: ['content-type'],
      properties: { 'content-type': { type: 'string', pattern: '^application/cloudevents\\+json' } },
    },
    payload: { $ref: SCHEMA_PREFIX + schema },
    ...(type === EXAMPLE_EVENT.type
      ? {
          examples: [
            { name: 'whole', headers: { 'content-type': 'application/cloudevents+json' }, payload: EXAMPLE_EVENT },
          ],
        }
      : {}),
  };
}

function binaryMessage(type: ProducerEventType, schemas: Readonly<Record<string, ObjectSchema>>): object {
  const { schema, dataSchema, says } = EVENT_CATALOGUE[type];
  return {
    name: type,
    title: `${type}, binary`,
    summary: says,
    contentType: 'application/json',
    headers: binaryHeaders(schemas[schema]!),
    payload: { $ref: SCHEMA_PREFIX + dataSchema },
    ...(type === EXAMPLE_EVENT.type
      ? { examples: [{ name: 'whole', headers: exampleHeaders(), payload: EXAMPLE_EVENT.data }] }
      : {}),
  };
}

/** Attributes as Kafka headers; `datacontenttype` is the header `content-type` there. Extensions are headers too, as text. */
function binaryHeaders(event: ObjectSchema): object {
  const attributes = [...ENVELOPE_ATTRIBUTES, ...OPEN_EXTENSIONS].filter(
    (name) => name !== 'data' && name !== 'datacontenttype',
  );
  return {
    type: 'object',
    required: [
      'content-type',
      ...attributes.filter((name) => event.required?.includes(name)).map((name) => `ce_${name}`),
    ],
    properties: {
      'content-type': event.properties['datacontenttype'],
      ...Object.fromEntries(attributes.map((name) => [`ce_${name}`, event.properties[name]])),
    },
  };
}

function exampleHeaders(): Record<string, string> {
  const attributes = Object.entries(EXAMPLE_EVENT).filter(([name]) => name !== 'data' && name !== 'datacontenttype');
  return {
    'content-type': 'application/json',
    ...Object.fromEntries(attributes.map(([name, value]) => [`ce_${name}`, String(value)])),
  };
}

import type { INestApplication } from '@nestjs/common';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { getMetadataStorage } from 'class-validator';
import { validationMetadatasToSchemas } from 'class-validator-jsonschema';
import { EVENT_CATALOGUE, eventSchemas, PRODUCER_EVENT_TYPES } from '@sijill/contracts';
import * as requests from './routes/requests.js';

const nullable = (type: string): object => ({ type: [type, 'null'] });
const list = (items: object): object => ({ type: 'array', items });
const ref = (name: string): object => ({ $ref: `#/components/schemas/${name}` });
const object = (properties: Record<string, object>, optional: string[] = []): object => ({
  type: 'object',
  properties,
  required: Object.keys(properties).filter((name) => !optional.includes(name)),
});
const text = { type: 'string' };
const time = { type: 'string', format: 'date-time' };
const uuid = { type: 'string', format: 'uuid' };
const page = (item: string): object => object({ items: list(ref(item)), next: nullable('string'), asOf: ref('AsOf') });
const reference = { anyOf: [object({ reference: nullable('string'), sha256: nullable('string') }), { type: 'null' }] };

const common = {
  dataCategories: list(text),
  purpose: nullable('string'),
  legalBasis: nullable('string'),
  policyVersion: nullable('string'),
  producer: nullable('string'),
  system: nullable('string'),
  source: text,
  eventId: text,
  sealed: { enum: ['none', 'closed', 'destroyed'] },
};

/** The answers. Requests and events are derived from their classes; answers have no class to derive from. */
const ANSWERS: Record<string, object> = {
  Event: { oneOf: PRODUCER_EVENT_TYPES.map((type) => ref(EVENT_CATALOGUE[type].schema)) },
  AsOf: object({ position: { type: 'integer' }, time }),
  FieldError: object({ path: text, code: text, message: text }),
  Problem: object(
    { type: text, title: text, status: { type: 'integer' }, detail: text, errors: list(ref('FieldError')) },
    ['errors'],
  ),
  IntakeAnswer: object({
    accepted: list(
      object({
        index: { type: 'integer' },
        source: text,
        id: text,
        duplicate: { type: 'boolean' },
        entries: list(object({ entryId: uuid, subjectId: { type: ['string', 'null'], format: 'uuid' } })),
      }),
    ),
    rejected: list(
      object({
        index: { type: 'integer' },
        source: nullable('string'),
        id: nullable('string'),
        errors: list(ref('FieldError')),
      }),
    ),
  }),
  FoundSubject: object({ subjectId: uuid }),
  Recipient: object({ id: text, name: text, class: text, capacity: nullable('string'), country: nullable('string') }),
  Disclosure: object({
    entryId: uuid,
    occurredAt: time,
    recordedAt: time,
    recipient: ref('Recipient'),
    ...common,
    ground: nullable('string'),
    method: nullable('string'),
    occasion: nullable('string'),
    request: reference,
    minimumNecessary: nullable('boolean'),
    transferBasis: nullable('string'),
  }),
  DisclosureAnswer: page('Disclosure'),
  Activity: {
    ...object({
      entryId: uuid,
      activity: { enum: ['collection', 'use', 'disclosure', 'deletion', null] },
      type: text,
      role: nullable('string'),
      occurredAt: time,
      recordedAt: time,
      evidence: reference,
      ...common,
    }),
    additionalProperties: true,
    description: 'the common fields, and under their own names those of its kind',
  },
  ActivityAnswer: page('Activity'),
  EntryView: object({
    entryId: uuid,
    type: text,
    lane: text,
    revision: { type: 'integer' },
    position: { type: 'integer' },
    data: { type: 'object', additionalProperties: true },
    metadata: { type: 'object', additionalProperties: true },
    sealed: { enum: ['none', 'closed', 'destroyed'] },
    asOf: ref('AsOf'),
  }),
  ReportView: object({
    id: uuid,
    report: text,
    status: { enum: ['queued', 'running', 'done', 'failed'] },
    progress: { type: 'number', minimum: 0, maximum: 1 },
    createdAt: time,
    asOf: { anyOf: [ref('AsOf'), { type: 'null' }] },
    files: list(object({ name: text, mediaType: text, size: { type: 'integer' }, sha256: text })),
    error: nullable('string'),
  }),
  Quarantined: object({
    entryId: uuid,
    recordedAt: time,
    lane: text,
    topic: nullable('string'),
    partition: nullable('integer'),
    offset: nullable('integer'),
    reason: object({ code: text, message: text }),
    size: { type: 'integer' },
    source: nullable('string'),
    eventId: nullable('string'),
    replayedAs: nullable('string'),
  }),
  QuarantineAnswer: page('Quarantined'),
  ReplayAnswer: object({ entries: list(object({ entryId: uuid, subjectId: nullable('string') })) }),
  Duplicate: object({
    source: text,
    eventId: text,
    kind: { enum: ['repeat', 'conflict'] },
    entryId: uuid,
    firstEntryId: uuid,
    recordedAt: time,
  }),
  DuplicateAnswer: page('Duplicate'),
};

/** The OpenAPI 3.1 document of the routes of this server, its schemas derived from the classes that check the input. */
export function openApiDocument(app: INestApplication, version: string): OpenAPIObject {
  const builder = new DocumentBuilder()
    .setTitle('Sijill')
    .setDescription('A privacy audit ledger: who got whose data, when, why, under which clause.')
    .setVersion(version)
    .setLicense('Apache-2.0', 'https://www.apache.org/licenses/LICENSE-2.0')
    .setOpenAPIVersion('3.1.0')
    .addBearerAuth({ type: 'http', scheme: 'bearer', description: 'an API key, made with "sijill keys create"' })
    .build();
  const document = SwaggerModule.createDocument(app, builder);
  const own = new Set(Object.keys(requests));
  const derived = validationMetadatasToSchemas({
    classValidatorMetadataStorage: getMetadataStorage(),
    refPointerPrefix: '#/components/schemas/',
  });
  const ofRequests = Object.fromEntries(Object.entries(derived).filter(([name]) => own.has(name)));
  document.components = {
    ...document.components,
    schemas: { ...ANSWERS, ...ofRequests, ...eventSchemas() } as NonNullable<OpenAPIObject['components']>['schemas'] &
      object,
  };
  return document;
}

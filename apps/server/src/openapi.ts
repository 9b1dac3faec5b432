import type { INestApplication, Type } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import { DocumentBuilder, SwaggerModule, type OpenAPIObject } from '@nestjs/swagger';
import { targetConstructorToSchema } from 'class-validator-jsonschema';
import type { ConfirmationView, OpenedEntry, PartOpening } from '@sijill/cases';
import {
  EVENT_CATALOGUE,
  eventSchemas,
  IDENTIFIER_SCHEMES,
  PARTY_KINDS,
  PRODUCER_EVENT_TYPES,
  type ActivityView,
  type CustomerView,
  type Disclosure,
  type NoticeView,
  type RecipientView,
} from '@sijill/contracts';
import { DUAL_CONTROLLED } from '@sijill/platform';
import { queryClassOf } from './http/known-query.interceptor.js';
import * as producerRequests from './routes/producers-requests.js';
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
const page = (item: string, more: Record<string, object> = {}): object =>
  object({ items: list(ref(item)), next: nullable('string'), asOf: ref('Freshness'), ...more });
const openConflicts = {
  openConflicts: {
    type: 'integer',
    minimum: 0,
    description: 'how many questions are open of who is the same person as this one: what belongs here may be missing',
  },
};
/** One schema for each member of a view: a member that is new in the view and not here does not build. */
type SchemasOf<View> = { readonly [Member in keyof View as string extends Member ? never : Member]: object };
const kind = { enum: [...PARTY_KINDS, null] };
const reference = { anyOf: [object({ reference: nullable('string'), sha256: nullable('string') }), { type: 'null' }] };

const common = {
  entryId: uuid,
  subjectId: uuid,
  occurredAt: time,
  recordedAt: time,
  dataCategories: list(text),
  purpose: nullable('string'),
  legalBasis: nullable('string'),
  policyVersion: nullable('string'),
  producer: nullable('string'),
  onBehalfOf: { anyOf: [ref('Customer'), { type: 'null' }] },
  system: nullable('string'),
  processingActivity: nullable('string'),
  source: nullable('string'),
  eventId: {
    ...nullable('string'),
    description: 'sealed in the entry; null where it is not opened, and after an erasure',
  },
  standing: {
    enum: ['first', 'conflict'],
    description: 'conflict: the identity of its event was used before, for something else',
  },
  verdict: { enum: ['allowed', 'finding', 'unknown', null], description: 'null while nothing judges' },
  clauses: list(text),
  sealed: { enum: ['none', 'closed', 'destroyed'], description: 'destroyed after an erasure' },
};

const recipient: SchemasOf<RecipientView> = {
  id: { ...nullable('string'), description: 'of a person an opaque one, to filter by' },
  name: nullable('string'),
  kind,
  class: text,
  capacity: nullable('string'),
  country: nullable('string'),
  contact: nullable('string'),
  reference: nullable('string'),
};
const customer: SchemasOf<CustomerView> = { id: nullable('string'), name: nullable('string'), kind };
const notice: SchemasOf<NoticeView> = {
  noticeId: uuid,
  change: text,
  status: text,
  sentAt: { type: ['string', 'null'], format: 'date-time' },
  answeredAt: { type: ['string', 'null'], format: 'date-time' },
};
const disclosure: SchemasOf<Disclosure> = {
  ...common,
  recipient: ref('Recipient'),
  ground: nullable('string'),
  method: nullable('string'),
  occasion: nullable('string'),
  request: reference,
  minimumNecessary: nullable('boolean'),
  effectOnOthers: nullable('string'),
  transferBasis: nullable('string'),
  notices: list(ref('LaterNotice')),
};
const activity: SchemasOf<ActivityView> = {
  ...common,
  activity: { enum: ['collection', 'use', 'disclosure', 'deletion', null] },
  type: text,
  role: nullable('string'),
  evidence: reference,
};

const confirmation: SchemasOf<ConfirmationView> = {
  confirmationId: uuid,
  what: { enum: [...DUAL_CONTROLLED] },
  about: object({
    subjectIds: list(uuid),
    entryId: { type: ['string', 'null'], format: 'uuid' },
    holdId: nullable('string'),
    erasureId: nullable('string'),
    policy: nullable('string'),
  }),
  askedBy: { ...text, description: 'a principal: the same for all keys of one name' },
  askedAt: time,
  expiresAt: time,
  confirmedBy: nullable('string'),
  status: { enum: ['open', 'confirmed', 'declined', 'expired'] },
  answeredAt: { type: ['string', 'null'], format: 'date-time' },
  outcome: {
    anyOf: [
      object({ done: { const: true }, entryIds: list(uuid) }),
      object({ done: { const: false }, code: text, through: list(uuid) }),
      { type: 'null' },
    ],
    description: 'what came of it, where something was carried out when it was confirmed; null else',
  },
};
const opening: SchemasOf<PartOpening> = {
  part: { ...text, description: 'as in `data.sealed` of the leaf' },
  keyId: { ...text, description: 'of the secret that the key follows from, as in `metadata.keys` of the leaf' },
  text: { ...text, description: 'the sealed text: a JWE in compact form, whose SHA-256 the leaf has' },
  key: { ...text, description: 'of this text alone: AES-256-GCM, base64url' },
  blinding: { ...text, description: 'what the commitment was made with beside the key: base64url' },
};
const opened: SchemasOf<OpenedEntry> = {
  entryId: uuid,
  sealed: {
    type: 'object',
    additionalProperties: true,
    description: 'by part, what it says; of a quarantined record `{base64}`',
  },
  opening: list(object(opening)),
  destroyed: { type: 'boolean', description: 'whether some of it was destroyed, and is not here' },
};

/** The answers. Requests and events are derived from their classes; answers have no class to derive from. */
const ANSWERS: Record<string, object> = {
  Event: { oneOf: PRODUCER_EVENT_TYPES.map((type) => ref(EVENT_CATALOGUE[type].schema)) },
  AsOf: object({ position: { type: 'integer' }, time }),
  Freshness: object({ position: { type: 'integer' }, time, ageSeconds: { type: 'integer', minimum: 0 } }),
  FieldError: object({ path: text, code: text, message: text }),
  Problem: {
    ...object(
      {
        type: text,
        title: text,
        status: { type: 'integer' },
        detail: text,
        errors: list(ref('FieldError')),
        accepted: list({ type: 'object' }),
        rejected: list(ref('Rejected')),
        reason: object({ code: text, message: text }),
        replayedAs: uuid,
        code: text,
        through: list(uuid),
        asOf: ref('AsOf'),
      },
      ['errors', 'accepted', 'rejected', 'reason', 'replayedAs', 'code', 'through', 'asOf'],
    ),
    description:
      'RFC 9457; `rejected` when no event of a batch was accepted, `reason` when a replay is refused, `code` and `through` when two ' +
      'subjects are not linked or not separated, `code` when a confirmation is refused',
  },
  Rejected: object({
    index: { type: 'integer' },
    source: nullable('string'),
    id: nullable('string'),
    errors: list(ref('FieldError')),
  }),
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
    rejected: list(ref('Rejected')),
    receipt: {
      ...nullable('string'),
      description: 'a signed note over the entries; null unless it was asked for, and where nothing can be promised',
    },
  }),
  FoundSubject: object({
    subjectId: uuid,
    linked: list(uuid),
    until: { type: ['string', 'null'], format: 'date-time' },
    shared: list(uuid),
    ...openConflicts,
  }),
  SubjectIdentifier: object({
    subjectId: uuid,
    scheme: { enum: [...IDENTIFIER_SCHEMES] },
    realm: nullable('string'),
    value: text,
    producer: nullable('string'),
    since: { type: ['string', 'null'], format: 'date-time' },
    until: { type: ['string', 'null'], format: 'date-time' },
    shared: { type: 'boolean' },
  }),
  SubjectIdentifierAnswer: object({ items: list(ref('SubjectIdentifier')), asOf: ref('Freshness') }),
  ReleaseAnswer: object({ entriesBehind: { type: 'integer', minimum: 0 } }),
  IdentityConflict: object({
    conflictId: uuid,
    status: { enum: ['open', 'linked', 'apart'] },
    schemes: list({ enum: [...IDENTIFIER_SCHEMES] }),
    subjectIds: list(uuid),
    producer: nullable('string'),
    entryId: { type: ['string', 'null'], format: 'uuid' },
    recordedAt: time,
  }),
  IdentityConflictAnswer: page('IdentityConflict'),
  LinkAnswer: object({ entryIds: list(uuid), subjectIds: list(uuid) }),
  Producer: object({
    name: text,
    sources: list(text),
    realm: text,
    mayLink: { type: 'boolean' },
    createdAt: time,
    retiredAt: { type: ['string', 'null'], format: 'date-time' },
  }),
  ProducerAnswer: object({ items: list(ref('Producer')), asOf: ref('AsOf') }),
  Recipient: object(recipient),
  Customer: object(customer),
  LaterNotice: object(notice),
  Disclosure: object(disclosure),
  DisclosureAnswer: page('Disclosure', openConflicts),
  Activity: {
    ...object(activity),
    additionalProperties: true,
    description:
      'the common fields, and under their own names those of its kind, null where they were not given; a notice to a recipient ' +
      'names the entry that it is about in `aboutEntryId`',
  },
  ActivityAnswer: page('Activity', openConflicts),
  EntryView: object({
    entryId: uuid,
    type: text,
    lane: text,
    revision: { type: 'integer' },
    position: { type: 'integer' },
    data: { type: 'object', additionalProperties: true },
    metadata: { type: 'object', additionalProperties: true },
    sealed: common.sealed,
    parts: { type: 'object', additionalProperties: { enum: ['closed', 'destroyed'] } },
    asOf: ref('Freshness'),
  }),
  OpenedEntry: object(opened),
  ConfirmationAsked: object({ confirmationId: uuid }),
  Confirmation: object(confirmation),
  ConfirmationWithReason: object({ ...confirmation, reason: nullable('string') }),
  ConfirmationListAnswer: page('Confirmation'),
  ReportView: object({
    id: uuid,
    report: text,
    status: { enum: ['queued', 'running', 'done', 'failed'] },
    progress: { type: 'number', minimum: 0, maximum: 1 },
    createdAt: time,
    asOf: { anyOf: [ref('AsOf'), { type: 'null' }] },
    files: list(object({ name: text, mediaType: text, size: { type: 'integer' }, sha256: text })),
    error: {
      ...nullable('string'),
      description: 'why it failed; or, of one that is done, why one of its documents is missing',
    },
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
    producer: nullable('string'),
    source: nullable('string'),
    eventId: { ...nullable('string'), description: 'for an officer who says why' },
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
    .addBearerAuth({
      type: 'http',
      scheme: 'bearer',
      bearerFormat: 'API key',
      description: 'made with "sijill keys create"',
    })
    .build();
  const document = SwaggerModule.createDocument(app, builder);
  // Class by class: a list of all schemas leaves out a class whose rules are all its parent's.
  const ofRequests = Object.fromEntries(
    Object.values({ ...requests, ...producerRequests }).map((body) => [
      body.name,
      targetConstructorToSchema(body, { refPointerPrefix: '#/components/schemas/' }),
    ]),
  );
  const events = document.paths['/v1/events']?.post?.requestBody;
  if (events !== undefined && 'content' in events) {
    events.content = {
      'application/cloudevents+json': { schema: ref('Event') as never },
      'application/cloudevents-batch+json': { schema: list(ref('Event')) as never },
    };
  }
  document.components = {
    ...document.components,
    schemas: { ...ANSWERS, ...ofRequests, ...eventSchemas() } as NonNullable<OpenAPIObject['components']>['schemas'] &
      object,
  };
  const schemas = ofRequests as unknown as Readonly<Record<string, SchemaLike>>;
  const queryNameOf = queryNames(app);
  for (const [path, operations] of Object.entries(document.paths)) {
    for (const operation of Object.values(operations as Record<string, Operation>)) {
      const query = schemas[queryNameOf(operation.operationId ?? '') ?? ''];
      complete(path, operation, query);
    }
  }
  return document;
}

interface Operation {
  readonly operationId?: string;
  readonly tags?: readonly string[];
  parameters?: object[];
  requestBody?: { content: Record<string, object> };
  responses: Record<string, { description?: string; headers?: object; content?: Record<string, object> }>;
}

/** The name of the class that a route reads its query into, by the id of the operation: `Controller_method`. */
function queryNames(app: INestApplication): (operationId: string) => string | undefined {
  const controllers = new Map(
    app
      .get(DiscoveryService)
      .getControllers()
      .map(({ metatype }) => [metatype?.name, metatype]),
  );
  return (operationId) => {
    const [controller, method = ''] = operationId.split('_');
    const found = controllers.get(controller);
    return found === undefined || found === null ? undefined : queryClassOf(found as Type, method)?.name;
  };
}

const PROBLEM = 'application/problem+json';
const problem = (description: string): object => ({ description, content: { [PROBLEM]: { schema: ref('Problem') } } });
const position = { 'Sijill-Position': { description: 'store position of the answer', schema: { type: 'integer' } } };

/** What the decorators of a route do not say: its query, the problems that every route may answer, the headers. */
function complete(path: string, operation: Operation, query: SchemaLike | undefined): void {
  for (const [name, schema] of Object.entries(query?.properties ?? {})) {
    operation.parameters = [
      ...(operation.parameters ?? []),
      {
        name,
        in: 'query',
        required: false,
        schema,
        ...(schema.type === 'array' ? { style: 'form', explode: true } : {}),
      },
    ];
  }
  for (const response of Object.values(operation.responses)) {
    const content = response.content ?? {};
    if (JSON.stringify(content).includes('#/components/schemas/Problem"')) {
      response.content = { [PROBLEM]: { schema: ref('Problem') } };
    }
  }
  if (!path.startsWith('/v1/')) return;
  const { responses } = operation;
  responses['400'] ??= problem('the request does not fit; each fault is named in errors') as never;
  responses['401'] ??= problem('no key, or one that is not known') as never;
  responses['403'] ??= problem('the key has not the role that this needs') as never;
  if (path.includes('{')) responses['404'] ??= problem('there is none of that id') as never;
  if (operation.requestBody !== undefined) {
    responses['413'] ??= problem('a body may hold 8 MiB') as never;
    responses['415'] ??= problem('another media type, or a Content-Encoding') as never;
  }
  responses['503'] ??= problem(
    'something is out of reach for now, or the server is stopping; see Retry-After',
  ) as never;
  for (const status of ['200', '201']) {
    const answer = responses[status];
    if (answer !== undefined && JSON.stringify(answer.content ?? {}).includes('Answer')) answer.headers = position;
  }
  if (responses['202'] !== undefined) {
    responses['202'].headers = { Location: { description: 'where to look for what becomes of it', schema: text } };
  }
}

interface SchemaLike {
  readonly type?: string | readonly string[];
  readonly properties?: Readonly<Record<string, SchemaLike>>;
}

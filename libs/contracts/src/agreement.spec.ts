import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { MAX_FAULTS } from './faults.js';
import type { FieldError } from './field-error.js';
import { PRODUCER_EVENT_TYPES, type ProducerEventType } from './producer-event.js';
import * as taxonomy from './taxonomy.js';
import { validateEvent } from './validate-event.js';
import { validateEventWithClasses } from './validate-with-classes.js';

// The published schema is derived from the classes; this holds the two together. fast-check prints the seed and the path of
// a failure: give them to fc.assert as `seed` and `path` to see it again.

type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
type JsonObject = { [name: string]: Json };

const oneOf = (values: readonly string[]) => fc.constantFrom(...values);
const some = (values: readonly string[]) => fc.uniqueArray(oneOf(values), { minLength: 1, maxLength: 4 });
/** A record whose fields after the first few may be missing. */
function record(
  required: Record<string, fc.Arbitrary<Json>>,
  optional: Record<string, fc.Arbitrary<Json>> = {},
): fc.Arbitrary<JsonObject> {
  return fc
    .tuple(fc.record(required), fc.record(optional, { requiredKeys: [] }))
    .map(([given, more]) => ({ ...given, ...more }) as JsonObject);
}

const ODD_CHARACTERS = [
  'a',
  'ي',
  '١',
  ' ',
  '\t',
  '\n',
  '=',
  '"',
  '😀',
  '❤️',
  '👩‍👩‍👧',
  'e\u0301',
  '\u200f',
  '\u2028',
  '\ufffe',
];
const text = (max: number) =>
  fc.oneof(
    fc
      .array(oneOf(ODD_CHARACTERS), { minLength: 1, maxLength: 8 })
      .map((parts) => [...parts.join('')].slice(0, max).join('')),
    fc
      .tuple(oneOf(['a', '0', '😀', '\ufe0f', 'ي']), fc.constantFrom(max - 1, max))
      .map(([unit, count]) => unit.repeat(count)),
  );
const code = fc.oneof(
  oneOf(['2026-06', 'gateway-3', 'RoPA:7/2', 'بوابة-١', 'é@+_.', 'e\u0301']),
  fc.tuple(oneOf(['a', '𐒀', 'ي', '7']), fc.constantFrom(127, 128)).map(([unit, count]) => unit.repeat(count)),
);
/** A word of the list, or one of the producer's own. */
const word = (words: readonly string[]) => fc.oneof(oneOf(words), text(256));
const sequence = fc.oneof(oneOf(['0', '0007', '9'.repeat(20)]), fc.maxSafeNat());
const sha256 = fc.stringMatching(/^[0-9a-f]{64}$/);
const reference = fc.oneof(record({ reference: text(256) }), record({ sha256 }, { reference: text(256) }));
const recipient = record(
  { id: code, name: text(256), class: oneOf(taxonomy.RECIPIENT_CLASSES) },
  {
    kind: oneOf(taxonomy.PARTY_KINDS),
    capacity: oneOf(taxonomy.CAPACITIES),
    country: oneOf(['SA', 'DE']),
    contact: text(256),
    reference: text(256),
  },
);
const customer = record({ id: code }, { name: text(256), kind: oneOf(taxonomy.PARTY_KINDS) });
/** Numbers that some JSON reader would change are no valid part of an event. */
function keptExactly(value: Json): Json {
  return JSON.parse(JSON.stringify(value), (_, member: Json) =>
    typeof member === 'number' && Number.isInteger(member) && !Number.isSafeInteger(member) ? String(member) : member,
  ) as Json;
}
const details = fc
  .jsonValue({ maxDepth: 3 })
  .filter((value) => value !== null)
  .map((value) => keptExactly(value as Json));
const identifier = record(
  { scheme: oneOf(taxonomy.IDENTIFIER_SCHEMES), value: text(320) },
  { realm: oneOf(['default', 'billing.v2', '0-', 'a'.repeat(40), 'SA', 'DE']), verified: fc.boolean() },
);
const subjectParts = {
  role: oneOf(taxonomy.SUBJECT_ROLES),
  details: fc.constantFrom<Json>('vip', 7, false, [], { a: [{ details: null }] }, [1.5, 'ي']),
};
const dataSubjects = fc.array(
  record({ identifiers: fc.array(identifier, { minLength: 1, maxLength: 3 }) }, subjectParts),
  { minLength: 1, maxLength: 3 },
);
const releasingSubjects = record({ identifiers: identifier.map((one): Json => [one]) }, subjectParts).map(
  (one): Json => [one],
);

const FIELDS = {
  dataSubjects,
  dataCategories: some(taxonomy.DATA_CATEGORIES),
  purpose: oneOf(taxonomy.PURPOSES),
  legalBasis: oneOf(taxonomy.LEGAL_BASES),
};

const COMMON = {
  policyVersion: code,
  system: code,
  processingActivity: code,
  onBehalfOf: customer,
  actor: text(256),
  evidence: reference,
  details,
};
const ACTIVITY = ['dataSubjects', 'dataCategories', 'purpose', 'legalBasis'] as const;

/** The four shared fields, those named required. */
function data(
  required: readonly (keyof typeof FIELDS)[],
  own: Record<string, fc.Arbitrary<Json>> = {},
  optional: Record<string, fc.Arbitrary<Json>> = {},
): fc.Arbitrary<JsonObject> {
  const entries = Object.entries(FIELDS);
  const isRequired = ([name]: [string, unknown]) => required.includes(name as keyof typeof FIELDS);
  return record(
    { ...Object.fromEntries(entries.filter(isRequired)), ...own },
    {
      ...Object.fromEntries(entries.filter((entry) => !isRequired(entry) && !(entry[0] in own))),
      ...COMMON,
      ...optional,
    },
  );
}

const choice = data(
  ['dataSubjects', 'purpose'],
  {},
  { means: word(taxonomy.MEANS), noticeVersion: code, language: oneOf(['ar', 'en-GB', 'zh-Hant-TW']) },
);
const ofRequest = {
  requestId: text(256),
  jurisdiction: oneOf(taxonomy.JURISDICTIONS),
  channel: word(taxonomy.CHANNELS),
  reason: text(256),
};
const rightsRequest = data(['dataSubjects'], { right: oneOf(taxonomy.RIGHTS) }, ofRequest);
const refusedRequest = data(
  ['dataSubjects'],
  { right: oneOf(taxonomy.RIGHTS) },
  { ...ofRequest, code: oneOf(taxonomy.REFUSAL_CODES) },
);
const recipientNotice = data(['dataSubjects'], {
  recipient,
  entryId: fc.uuid(),
  change: oneOf(taxonomy.CHANGES),
});
const breach = data([], { scope: text(4000) });

const DATA: Record<ProducerEventType, fc.Arbitrary<JsonObject>> = {
  'sijill.data.collected.v1': data(
    ACTIVITY,
    {},
    { origin: oneOf(taxonomy.ORIGINS), mandatory: fc.boolean(), noticeVersion: code },
  ),
  'sijill.data.used.v1': data(ACTIVITY, {}, { automatedDecision: fc.boolean() }),
  'sijill.data.disclosed.v1': data(
    ACTIVITY,
    { recipient },
    {
      ground: oneOf(taxonomy.GROUNDS),
      method: word(taxonomy.METHODS),
      occasion: oneOf(taxonomy.OCCASIONS),
      request: reference,
      minimumNecessary: fc.boolean(),
      effectOnOthers: text(4000),
      approvedBy: text(256),
      transferBasis: word(taxonomy.TRANSFER_BASES),
    },
  ),
  'sijill.data.deleted.v1': data(
    ['dataSubjects', 'dataCategories'],
    {},
    { reason: oneOf(taxonomy.DELETION_REASONS), technique: word(taxonomy.TECHNIQUES), backupsIncluded: fc.boolean() },
  ),
  'sijill.data.corrected.v1': data(['dataSubjects', 'dataCategories']),
  'sijill.consent.granted.v1': choice,
  'sijill.consent.withdrawn.v1': choice,
  'sijill.objection.raised.v1': choice,
  'sijill.objection.lifted.v1': choice,
  'sijill.request.received.v1': rightsRequest,
  'sijill.request.extended.v1': rightsRequest,
  'sijill.request.answered.v1': rightsRequest,
  'sijill.request.refused.v1': refusedRequest,
  'sijill.subject.minor_identified.v1': data(['dataSubjects'], {}, { learnedBy: word(taxonomy.WAYS_TO_LEARN_AGE) }),
  'sijill.identifier.released.v1': data([], { dataSubjects: releasingSubjects }),
  'sijill.producer.heartbeat.v1': record({}, { ...COMMON, sequence }),
  'sijill.recipient.notified.v1': recipientNotice,
  'sijill.recipient.acknowledged.v1': recipientNotice,
  'sijill.breach.detected.v1': breach,
  'sijill.breach.reported.v1': breach,
};

const time = fc
  .date({ min: new Date('0001-01-01T00:00:00Z'), max: new Date('9999-12-31T23:59:59Z'), noInvalidDate: true })
  .chain((date) => oneOf(['Z', 'z', '+03:00', '-11:30']).map((offset) => date.toISOString().slice(0, -1) + offset));
const extension = fc.oneof(text(300), fc.boolean(), fc.maxSafeInteger());
const extensions = fc.dictionary(fc.stringMatching(/^x[a-z0-9]{0,20}$/), extension, { maxKeys: 3 });

const validEvent: fc.Arbitrary<JsonObject> = oneOf(PRODUCER_EVENT_TYPES).chain((type) =>
  fc
    .tuple(
      record(
        {
          specversion: fc.constant('1.0'),
          id: text(1024),
          source: oneOf(['/sms/gateway', 'https://example.com/api', 'x'.repeat(1024)]),
          time,
          data: DATA[type as ProducerEventType],
        },
        {
          datacontenttype: oneOf([
            'application/json',
            'Application/JSON; charset=utf-8',
            'application/vnd.example+json',
            'text/json',
          ]),
          sequence,
          traceparent: oneOf(['00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01']),
          subject: text(1024),
          dataschema: text(1024),
        },
      ),
      extensions,
    )
    .map(([core, more]) => ({ ...more, ...core, type })),
);

// Names and values that have fooled validators.
const ODD_NAMES = [
  ...['__proto__', 'constructor', 'prototype', 'toString', 'hasOwnProperty', 'valueOf', 'then', 'length', '0', ''],
  ...[
    'data_base64',
    'traceParent',
    'traceparent',
    'sequence',
    'x y',
    'a'.repeat(64),
    'a'.repeat(65),
    '😀',
    '\ud800',
    'foo',
    'details',
    'identifiers',
  ],
];
const LENGTHS = [
  0, 1, 2, 20, 21, 40, 41, 63, 64, 65, 127, 128, 129, 255, 256, 257, 319, 320, 321, 1023, 1024, 1025, 3999, 4000, 4001,
  8192, 8193,
];
const oddText = fc.oneof(
  fc
    .tuple(oneOf(['a', '0', '😀', '\ufe0f', '❤\ufe0f', '\ud800', '\udc00', ' ']), fc.constantFrom(...LENGTHS))
    .map(([unit, count]) => unit.repeat(count)),
  fc.string({ unit: 'binary', maxLength: 12 }),
  oneOf([
    '\u0000',
    'a\ud800',
    '\udc00\ud800',
    'SA\n',
    'sa',
    'SAU',
    'a b',
    'other',
    '-1',
    '٣',
    'contact.phone',
    '1.0',
    '1',
    'null',
    'application/jsonx',
  ]),
  oneOf(['2026-02-30T00:00:00Z', '2024-02-29T00:00:00Z', '2026-07-01', '2026-07-01T24:00:00Z', '2026-07-01T10:00:00']),
  oneOf(PRODUCER_EVENT_TYPES),
);
const oddValue: fc.Arbitrary<Json> = fc.oneof(
  oddText,
  fc.constantFrom<Json>(null, 0, -1, 1.5, 1e300, 2 ** 53, true, false),
  fc.constantFrom<Json[]>([], [null], [[]], [{}], ['contact.phone', 'contact.phone'], new Array<Json>(300).fill('x')),
  oneOf(ODD_NAMES).map((name) => withMember({}, name, 5)),
  dataSubjects,
  recipient,
  customer,
  reference,
  recipient.map((one): Json => [one]),
  dataSubjects.map((list): Json => [list]),
  fc.constant(nested(200)),
);

type Operation = 'remove' | 'null' | 'replace' | 'unknown' | 'wrap' | 'repeat' | 'empty';
const OPERATIONS: readonly Operation[] = ['remove', 'null', 'replace', 'replace', 'unknown', 'wrap', 'repeat', 'empty'];

interface Mutation {
  readonly operation: Operation;
  /** Which place of the event, counted over all of them. */
  readonly place: number;
  readonly value: Json;
  readonly name: string;
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  operation: fc.constantFrom(...OPERATIONS),
  place: fc.nat(),
  value: oddValue,
  name: fc.oneof(oneOf(ODD_NAMES), fc.string({ maxLength: 12 })),
});

/** Changes an event in place. */
function mutate(event: JsonObject, { operation, place, value: shared, name }: Mutation): void {
  const value = structuredClone(shared);
  const places = placesOf(event);
  const { holder, key } = places[place % places.length]!;
  const current = (holder as JsonObject)[key]!;
  const set = (next: Json) => void withMember(holder as JsonObject, key, next);
  switch (operation) {
    case 'remove':
      if (Array.isArray(holder)) holder.splice(Number(key), 1);
      else delete holder[key];
      return;
    case 'null':
      return set(null);
    case 'replace':
      return set(value);
    case 'unknown':
      if (Array.isArray(current)) current.push(value);
      else if (typeof current === 'object' && current !== null) withMember(current, name, value);
      else if (!Array.isArray(holder)) withMember(holder, name, value);
      return;
    case 'wrap':
      return set([current]);
    case 'repeat':
      if (Array.isArray(holder)) holder.push(current);
      return;
    case 'empty':
      return set(Array.isArray(current) ? [] : typeof current === 'string' ? '' : {});
  }
}

function placesOf(value: Json): { holder: Json[] | JsonObject; key: string }[] {
  if (typeof value !== 'object' || value === null) return [];
  // A bounded walk: the odd values hold long lists and deep ones.
  return Object.keys(value)
    .slice(0, 30)
    .flatMap((key) => [{ holder: value, key }, ...placesOf((value as JsonObject)[key]!).slice(0, 200)]);
}

function withMember(object: JsonObject, name: string, value: Json): JsonObject {
  return Object.defineProperty(object, name, { value, enumerable: true, configurable: true, writable: true });
}

function nested(depth: number): Json {
  let value: Json = [];
  for (let i = 0; i < depth; i++) value = [value];
  return value;
}

/** What the intake really gets. */
const parsed = (value: Json): unknown => JSON.parse(JSON.stringify(value));

/** Where faults lie, as far as both ways tell: the class rules name a list where the schema names its item. */
const fieldsOf = (faults: readonly FieldError[]) =>
  [
    ...new Set(
      faults.map(({ path }) =>
        path
          .split('.')
          .slice(0, 2)
          .join('.')
          .replace(/\[\d+\]/g, ''),
      ),
    ),
  ].sort();

describe('the classes and the schema derived from them', () => {
  it('accept every valid event of every type', () => {
    fc.assert(
      fc.property(validEvent, (event) => {
        const value = parsed(event);
        expect(validateEvent(value)).toEqual([]);
        expect(validateEventWithClasses(value)).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });

  it('accept and refuse the same mutated events, for the same fields', () => {
    const verdicts = { accepted: 0, refused: 0 };
    fc.assert(
      fc.property(validEvent, fc.array(mutation, { minLength: 1, maxLength: 3 }), (event, mutations) => {
        const mutated = structuredClone(event);
        for (const one of mutations) if (Object.keys(mutated).length > 0) mutate(mutated, one);
        const value = parsed(mutated);
        const [byClasses, bySchema] = [validateEventWithClasses(value), validateEvent(value)];
        verdicts[bySchema.length === 0 ? 'accepted' : 'refused']++;
        expect(byClasses.length === 0).toBe(bySchema.length === 0);
        // Only the schema's way stops counting, and may then leave a field out.
        if (bySchema.length <= MAX_FAULTS) expect(fieldsOf(byClasses)).toEqual(fieldsOf(bySchema));
      }),
      { numRuns: 6000 },
    );
    // Both verdicts come often, or the agreement would say little.
    expect(verdicts.accepted).toBeGreaterThan(300);
    expect(verdicts.refused).toBeGreaterThan(2000);
  });

  it('agree on values that are no event at all', () => {
    fc.assert(
      fc.property(oddValue, (value) => {
        const refused = (faults: FieldError[]) => faults.length > 0;
        expect([refused(validateEvent(parsed(value))), refused(validateEventWithClasses(parsed(value)))]).toEqual([
          true,
          true,
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it('never repeat what came in', () => {
    const secret = '+966500000077';
    const planted = fc.constantFrom<Json>(secret, [secret], { [secret]: secret });
    fc.assert(
      fc.property(validEvent, fc.array(fc.tuple(mutation, planted)), (event, mutations) => {
        const mutated = structuredClone(event);
        for (const [one, value] of mutations) {
          if (Object.keys(mutated).length > 0) mutate(mutated, { ...one, value, name: secret });
        }
        expect(JSON.stringify(validateEvent(parsed(mutated)))).not.toContain('966500000077');
        expect(JSON.stringify(validateEventWithClasses(parsed(mutated)))).not.toContain('966500000077');
      }),
      { numRuns: 1000 },
    );
  });
});

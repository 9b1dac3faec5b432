import { asyncApiDocument } from './async-api.js';
import { OPEN_EXTENSIONS } from './envelope.js';
import { fieldsOfEvent } from './event-fields.js';
import { planOf, type FieldPlan, type FieldPlans } from './field-plan.js';
import { ENVELOPE_SCHEMA, eventSchemas } from './json-schema.js';
import { EVENT_CATALOGUE, PRODUCER_EVENT_TYPES } from './producer-event.js';
import { OPEN_WHEN, SCHEMA_PREFIX, VISIBILITY, type SchemaPart } from './schema-rules.js';

const schemas = eventSchemas();
const sealed: FieldPlan = { kind: 'sealed', part: 'subject' };
const open: FieldPlan = { kind: 'open' };

/** Every field that a schema names, with those of the objects in it, by its dotted path. */
function fieldsIn(schemaName: string, path = ''): [path: string, field: SchemaPart][] {
  return Object.entries(schemas[schemaName]!.properties).flatMap(([name, field]) => {
    const here = `${path}${name}`;
    const items = field['items'] as SchemaPart | undefined;
    const reference = (field['$ref'] ?? items?.['$ref']) as string | undefined;
    const inside =
      reference === undefined
        ? []
        : fieldsIn(reference.slice(SCHEMA_PREFIX.length), `${here}${items === undefined ? '' : '[]'}.`);
    return [[here, field], ...inside];
  });
}

/** What the plans say of the same fields. */
function visibilitiesIn(plans: FieldPlans, path = ''): [path: string, visibility: string][] {
  return Object.entries(plans).flatMap(([name, plan]): [string, string][] => {
    const here = `${path}${name}`;
    switch (plan.kind) {
      case 'open':
      case 'word':
        return [[here, 'open']];
      case 'sealed':
      case 'subjects':
        return [[here, 'sealed']];
      case 'party':
      case 'parts': {
        const inside = visibilitiesIn(plan.parts, `${here}.`);
        return [[here, inside.some(([, visibility]) => visibility === 'open') ? 'open' : 'sealed'], ...inside];
      }
    }
  });
}

describe('open or sealed', () => {
  it.each(PRODUCER_EVENT_TYPES)('every field of %s says which', (type) => {
    const fields = fieldsIn(EVENT_CATALOGUE[type].schema);
    expect(fields.length).toBeGreaterThan(15);
    for (const [path, field] of fields)
      expect([path, ['open', 'sealed'].includes(field[VISIBILITY] as string)]).toEqual([path, true]);
  });

  it.each(PRODUCER_EVENT_TYPES)('the plan of %s agrees with its schema', (type) => {
    const ofPlan = new Map(visibilitiesIn(planOf(type)));
    const ofSchema = fieldsIn(EVENT_CATALOGUE[type].dataSchema).filter(([path]) => !path.startsWith('dataSubjects[]'));
    expect(ofPlan).toEqual(new Map(ofSchema.map(([path, field]) => [path, field[VISIBILITY]])));
  });

  it('what a person could be recognized by is sealed', () => {
    const opened = new Set(
      PRODUCER_EVENT_TYPES.flatMap((type) =>
        fieldsIn(EVENT_CATALOGUE[type].schema)
          .filter(([, field]) => field[VISIBILITY] === 'open')
          .map(([path]) => path),
      ),
    );
    // Written out: a field that becomes open is a decision for ever, and has to be made here too.
    expect([...opened].sort()).toEqual(
      [
        ...['source', 'specversion', 'type', 'time', 'data', ...OPEN_EXTENSIONS],
        ...['data.dataSubjects[].role', 'data.dataCategories', 'data.purpose', 'data.legalBasis'],
        ...['data.policyVersion', 'data.system', 'data.processingActivity', 'data.noticeVersion', 'data.language'],
        ...['data.onBehalfOf', 'data.onBehalfOf.id', 'data.onBehalfOf.kind'],
        ...[
          'data.recipient',
          ...['id', 'kind', 'class', 'capacity', 'country'].map((name) => `data.recipient.${name}`),
        ],
        ...['data.ground', 'data.method', 'data.occasion', 'data.minimumNecessary', 'data.transferBasis'],
        ...['data.origin', 'data.mandatory', 'data.automatedDecision', 'data.technique', 'data.backupsIncluded'],
        ...['data.means', 'data.learnedBy', 'data.right', 'data.channel', 'data.jurisdiction', 'data.code'],
        ...['data.entryId', 'data.change', 'data.sequence', 'data.reason'],
      ].sort(),
    );
    // The same word is two fields: of a deletion a key of the law, of a request anything.
    expect(planOf('sijill.data.deleted.v1')['reason']).toEqual(open);
    expect(planOf('sijill.request.extended.v1')['reason']).toEqual(sealed);
  });

  it('plans a disclosure member by member', () => {
    const document: FieldPlan = { kind: 'parts', parts: { reference: sealed, sha256: sealed } };
    expect(planOf('sijill.data.disclosed.v1')).toEqual({
      dataSubjects: { kind: 'subjects' },
      dataCategories: open,
      purpose: open,
      legalBasis: open,
      policyVersion: open,
      system: open,
      processingActivity: open,
      onBehalfOf: { kind: 'party', parts: { id: open, name: sealed, kind: open } },
      actor: { kind: 'sealed', part: 'staff' },
      approvedBy: { kind: 'sealed', part: 'staff' },
      evidence: document,
      details: { kind: 'sealed', part: 'shared' },
      recipient: {
        kind: 'party',
        parts: {
          ...{ id: open, name: sealed, kind: open, class: open, capacity: open, country: open },
          ...{ contact: sealed, reference: sealed },
        },
      },
      ground: open,
      method: { kind: 'word', words: ['api', 'file', 'email', 'portal', 'paper', 'phone', 'in_person', 'message'] },
      occasion: open,
      request: document,
      minimumNecessary: open,
      effectOnOthers: sealed,
      transferBasis: { kind: 'word', words: expect.arrayContaining(['adequacy', 'vital_interest']) },
    });
  });

  it('says in words where it depends on something', () => {
    const conditional = fieldsIn('DataDisclosedEvent').filter(([, field]) => field[OPEN_WHEN] !== undefined);
    expect(conditional.map(([path, field]) => [path.slice('data.'.length), field[VISIBILITY]]).sort()).toEqual([
      ['method', 'open'],
      ['onBehalfOf.id', 'open'],
      ['onBehalfOf.name', 'sealed'],
      ['recipient.id', 'open'],
      ['recipient.name', 'sealed'],
      ['transferBasis', 'open'],
    ]);
  });

  it('seals every other attribute of the envelope', () => {
    const { additionalProperties } = schemas[ENVELOPE_SCHEMA]!;
    expect((additionalProperties as SchemaPart)[VISIBILITY]).toBe('sealed');
  });

  it('is in the AsyncAPI document for both content modes', () => {
    const document = asyncApiDocument({ version: '0', topics: ['t'], group: 'g' }) as {
      components: {
        schemas: Record<string, { properties: Record<string, SchemaPart> }>;
        messages: Record<string, { headers: { properties: Record<string, SchemaPart> } }>;
      };
    };
    expect(document.components.schemas['EventIdentifier']!.properties['value']![VISIBILITY]).toBe('sealed');
    const headers = document.components.messages['DataDisclosedEvent.binary']!.headers.properties;
    expect(headers['ce_id']![VISIBILITY]).toBe('sealed');
    expect(headers['ce_sequence']![VISIBILITY]).toBe('open');
  });
});

describe('the fields that answers show', () => {
  it('are those of the type, without the staff and what is only unsealed', () => {
    const fields = fieldsOfEvent('sijill.data.disclosed.v1');
    expect(fields).toEqual(expect.arrayContaining(['effectOnOthers', 'onBehalfOf', 'processingActivity', 'method']));
    for (const hidden of ['actor', 'approvedBy', 'details', 'dataSubjects']) expect(fields).not.toContain(hidden);
    expect(fieldsOfEvent('sijill.ledger.founded.v1')).toEqual([]);
  });
});

import { EXAMPLE_EVENT } from './example-event.js';
import { faultToKeep } from './faults.js';
import { validateEvent } from './validate-event.js';

type Json = Record<string, unknown>;

const example = EXAMPLE_EVENT as unknown as Json & { data: Json };
const [person] = example.data['dataSubjects'] as [Json];

/** The example with other members in `data`. */
function disclosed(changes: Json): Json {
  return { ...example, data: { ...example.data, ...changes } };
}

function ofType(type: string, data: Json): Json {
  return { ...example, type, data: { dataSubjects: [person], ...data } };
}

function codesOf(event: Json): string[] {
  return validateEvent(event).map(({ path, code }) => `${path} ${code}`);
}

describe('validateEvent', () => {
  it('accepts the whole example', () => {
    expect(validateEvent(EXAMPLE_EVENT)).toEqual([]);
  });

  it('accepts everything that a disclosure can say', () => {
    const subject = {
      identifiers: [
        { scheme: 'account', value: '42', realm: 'billing', verified: true },
        { scheme: 'national_id', value: '1000000001', realm: 'SA' },
      ],
      details: { tier: 'gold' },
    };
    const recipient = {
      ...(example.data['recipient'] as Json),
      contact: 'the registry',
      reference: 'R-1',
      kind: 'person',
    };
    const event = disclosed({
      dataSubjects: [subject],
      recipient,
      onBehalfOf: { id: 'cust-7', name: 'A shop', kind: 'organization' },
      approvedBy: 'staff-7',
      processingActivity: 'ROPA-12',
      effectOnOthers: 'none known',
      transferBasis: 'standard_clauses',
    });
    expect(validateEvent(event)).toEqual([]);
  });

  it.each([
    ['method', 'pigeon post', 'sijill.data.disclosed.v1', {}],
    ['transferBasis', 'Königlicher Erlass', 'sijill.data.disclosed.v1', {}],
    ['technique', 'shredder', 'sijill.data.deleted.v1', { dataCategories: ['contact.phone'] }],
    ['means', 'nod', 'sijill.consent.granted.v1', { purpose: 'marketing' }],
    ['channel', 'oral', 'sijill.request.received.v1', { right: 'contact' }],
    ['learnedBy', 'birth date', 'sijill.subject.minor_identified.v1', {}],
  ])('takes a word for %s that is in no list: %s', (field, word, type, data) => {
    const event = type === EXAMPLE_EVENT.type ? disclosed({ [field]: word }) : ofType(type, { ...data, [field]: word });
    expect(validateEvent(event)).toEqual([]);
  });

  it.each([
    ['ground', 'whim', 'sijill.data.disclosed.v1', {}],
    ['occasion', 'often', 'sijill.data.disclosed.v1', {}],
    ['reason', 'spring cleaning', 'sijill.data.deleted.v1', { dataCategories: ['contact.phone'] }],
    ['right', 'restriction', 'sijill.request.received.v1', {}],
    ['jurisdiction', 'HIPAA', 'sijill.request.received.v1', { right: 'access' }],
    ['code', 'no_time', 'sijill.request.refused.v1', { right: 'access' }],
  ])('refuses a key of the law for %s that is in no list: %s', (field, key, type, data) => {
    const event = type === EXAMPLE_EVENT.type ? disclosed({ [field]: key }) : ofType(type, { ...data, [field]: key });
    expect(codesOf(event)).toEqual([`data.${field} unknown_value`]);
  });

  it('knows codes of refusal for refusals only', () => {
    const code = { right: 'access', code: 'repetitive' };
    expect(codesOf(ofType('sijill.request.refused.v1', code))).toEqual([]);
    expect(codesOf(ofType('sijill.request.answered.v1', code))).toEqual(['data.code unknown_field']);
  });

  it.each(['gateway 3', 'a'.repeat(129), '', 'a;b', 'a\u200fb'])('refuses %j as a short code', (code) => {
    expect(codesOf(disclosed({ system: code }))).toEqual(['data.system bad_format']);
    expect(codesOf(disclosed({ onBehalfOf: { id: code } }))).toEqual(['data.onBehalfOf.id bad_format']);
  });

  it.each(['BILLING', 'a b', 'a'.repeat(41), 'SAU', ''])('refuses %j as a realm', (realm) => {
    const identifiers = [{ scheme: 'account', value: '42', realm }];
    expect(codesOf(disclosed({ dataSubjects: [{ identifiers }] }))).toEqual([
      'data.dataSubjects[0].identifiers[0].realm bad_format',
    ]);
  });

  it('lets an identifier be released by itself only', () => {
    const [phone, account] = person['identifiers'] as [Json, Json];
    const release = (...dataSubjects: Json[]): string[] =>
      codesOf(ofType('sijill.identifier.released.v1', { dataSubjects }));
    expect(release({ identifiers: [phone] })).toEqual([]);
    expect(release({ identifiers: [phone, account] })).toEqual(['data.dataSubjects[0].identifiers too_many']);
    expect(release({ identifiers: [phone] }, { identifiers: [account] })).toEqual(['data.dataSubjects too_many']);
    expect(release()).toEqual(['data.dataSubjects empty']);
  });

  it('takes a heartbeat about nobody', () => {
    const heartbeat = (data: Json, sequence?: unknown): string[] => {
      const { sequence: _, ...envelope } = example;
      const counted = sequence === undefined ? {} : { sequence };
      return codesOf({ ...envelope, ...counted, type: 'sijill.producer.heartbeat.v1', data });
    };
    expect(heartbeat({}, '1042')).toEqual([]);
    expect(heartbeat({ sequence: '9'.repeat(20) })).toEqual([]);
    expect(heartbeat({ sequence: '9'.repeat(21) })).toEqual(['data.sequence bad_format']);
    expect(heartbeat({ dataSubjects: [person] })).toEqual(['data.dataSubjects unknown_field']);
  });

  it.each([
    ['sequence', 'one'],
    ['sequence', -1],
    ['sequence', true],
    ['traceparent', '00-abc-def-01'],
  ])('refuses %s %j, which would stand in clear', (name, value) => {
    expect(validateEvent({ ...example, [name]: value }).map(({ path }) => path)).toEqual([name]);
  });

  it('looks into the details of each data subject', () => {
    const broken = { ...person, details: { a: ['\ud800'] } };
    expect(codesOf(disclosed({ dataSubjects: [person, broken] }))).toEqual(['data.dataSubjects[1].details bad_format']);
  });
});

describe('a fault that is written down', () => {
  const kept = (event: Json): string[] => validateEvent(event).map((fault) => faultToKeep(fault).path);

  it('names what the schema names', () => {
    expect(kept(disclosed({ purpose: 'whim', system: 'a b' })).sort()).toEqual(['data.purpose', 'data.system']);
  });

  it('names nothing that came in', () => {
    const name = 'x0500000042';
    expect(kept(disclosed({ [name]: 1, recipient: { ...(example.data['recipient'] as Json), [name]: 1 } }))).toEqual([
      'data.(unknown)',
      'data.recipient.(unknown)',
    ]);
    expect(kept(disclosed({ 'mallory.smith': 1 }))).toEqual(['data.(unknown)']);
    expect(kept({ ...example, [name]: 1.5, [`${name}.y`]: 1 })).toEqual(['(extension)', '(extension)']);
  });
});

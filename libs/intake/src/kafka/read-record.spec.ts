import { EXAMPLE_EVENT, type Speaker } from '@sijill/contracts';
import { readRecord, type KafkaRecord } from './read-record.js';

const LIMITS = { eventBytes: 4096, dataSubjects: 10, clockSkewSeconds: 300 };
const STRUCTURED = { 'content-type': Buffer.from('application/cloudevents+json') };

const context = (speaker: Partial<Speaker> = {}) => ({
  limits: LIMITS,
  defaultRegion: 'SA',
  now: Date.UTC(2026, 6, 2),
  speaker: { producer: 'sms', realm: 'default', mayLink: true, sources: [], ...speaker },
});
const structured = (envelope: object): KafkaRecord => ({
  value: Buffer.from(JSON.stringify({ ...EXAMPLE_EVENT, ...envelope })),
  headers: STRUCTURED,
});
const binary = (attributes: Record<string, string> = {}): KafkaRecord => {
  const { data, datacontenttype: _, ...envelope } = EXAMPLE_EVENT;
  const headers = Object.fromEntries(
    Object.entries({ ...envelope, ...attributes }).map(([name, value]) => [`ce_${name}`, Buffer.from(String(value))]),
  );
  return {
    value: Buffer.from(JSON.stringify(data)),
    headers: { ...headers, 'content-type': Buffer.from('application/json') },
  };
};
const codesOf = (record: KafkaRecord, speaker: Partial<Speaker> = {}): string[] => {
  const reading = readRecord(record, context(speaker));
  return 'accepted' in reading ? [] : reading.errors.map(({ code }) => code);
};

describe('a record', () => {
  it.each([
    ['structured', structured],
    ['binary', binary],
  ])('is read in %s mode, in the name of its producer', (_, record) => {
    expect(codesOf(record({}))).toEqual([]);
    expect(codesOf(record({}), { sources: ['/sms'] })).toEqual([]);
    expect(codesOf(record({}), { sources: ['/billing'] })).toEqual(['foreign_source']);
  });

  it('may have attributes and headers that are null: they are not set', () => {
    const unset = { subject: null, dataschema: null, traceparent: null, someextension: null };
    const reading = readRecord(structured(unset), context());
    expect(reading).toHaveProperty('accepted.event');
    for (const name of Object.keys(unset)) expect(reading).not.toHaveProperty(`accepted.event.${name}`);
    const record = binary();
    expect(codesOf({ ...record, headers: { ...record.headers, ce_subject: null, ce_trace: null } })).toEqual([]);
    expect(codesOf(structured({ id: null }))).toEqual(['required']);
    expect(codesOf(structured({ data: null }))).toEqual(['wrong_type']);
  });

  // It is sealed with the record. Nothing is shown that was not asked for by somebody who may see it.
  it('that cannot be read says what it is called, as it was sent', () => {
    const identityOf = (record: KafkaRecord) => readRecord(record, context()).identity();
    const named = { source: '/sms/966500000042', id: '0500000042', time: 'no time' };
    expect(identityOf(structured(named))).toEqual({ source: '/sms/966500000042', eventId: '0500000042' });
    expect(identityOf(binary(named))).toEqual({ source: '/sms/966500000042', eventId: '0500000042' });
    expect(identityOf({ ...binary(named), value: Buffer.from('{') })).toEqual({
      source: '/sms/966500000042',
      eventId: '0500000042',
    });
  });

  it.each([
    ['is no text', { id: 7 }],
    ['no store can hold', { id: 'a\u0000b' }],
    ['is no Unicode', { id: '\ud800' }],
    ['is longer than any', { id: 'x'.repeat(1025) }],
  ])('is called nothing where its name %s', (_, envelope) => {
    const record = { ...structured({}), value: Buffer.from(JSON.stringify({ ...EXAMPLE_EVENT, ...envelope })) };
    expect(readRecord(record, context()).identity().eventId).toBeNull();
  });

  it.each<[string, KafkaRecord]>([
    ['no_value', { value: null, headers: STRUCTURED }],
    ['event_too_large', { value: Buffer.alloc(5000), headers: STRUCTURED }],
    ['invalid_json', { value: Buffer.from('{'), headers: STRUCTURED }],
    ['invalid_utf8', { value: Buffer.of(0xc3, 0x28), headers: STRUCTURED }],
    ['not_a_cloudevent', { value: Buffer.from('{}') }],
    [
      'duplicate_name',
      { value: Buffer.from(JSON.stringify(EXAMPLE_EVENT).replace('"id":', '"id":"a","id":')), headers: STRUCTURED },
    ],
    ['out_of_range', { ...binary(), value: Buffer.from('{"details":{"x":1e-400}}') }],
    ['duplicate_header', { ...structured({}), headers: { ...STRUCTURED, 'Content-Type': Buffer.from('text/plain') } }],
    ['duplicate_header', { ...binary(), headers: { ce_id: [Buffer.from('a'), Buffer.from('b')] } }],
    [
      'wrong_content_type',
      { ...binary(), headers: { ...binary().headers, 'content-type': Buffer.from('text/plain') } },
    ],
  ])('says why it cannot be read: %s', (code, record) => {
    expect(codesOf(record)).toEqual([code]);
  });
});

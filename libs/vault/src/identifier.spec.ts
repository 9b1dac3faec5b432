import fc from 'fast-check';
import { holdsAddress, looksPersonal, normalizeIdentifier } from './identifier.js';

const phone = (value: string, region = 'SA'): unknown => normalizeIdentifier({ scheme: 'phone', value }, region);
const email = (value: string): unknown => normalizeIdentifier({ scheme: 'email', value }, 'SA');

describe('identifiers', () => {
  it.each([
    '+966500000042',
    '+966 50 000 0042',
    '00966500000042',
    '0500000042',
    '٠٥٠٠٠٠٠٠٤٢',
    '٠٠٩٦٦٥٠٠٠٠٠٠٤٢',
    '+٩٦٦٥٠٠٠٠٠٠٤٢',
    ' 050-000-0042 ',
  ])('reads one phone number in many forms (%s)', (form) => expect(phone(form)).toBe('+966500000042'));

  it('reads national forms under the region', () => {
    expect(phone('(201) 555-0123', 'US')).toBe('+12015550123');
  });

  it.each([
    '',
    '12',
    'hello',
    '+96650000004',
    '+9665000000420',
    '050000004',
    '+999500000042',
    'call 0500000042',
    '0500000042 ext 5',
  ])('refuses what is no number (%p)', (value) => {
    expect(phone(value)).toMatchObject({ code: 'invalid_phone' });
  });

  it.each([
    [' Layla@Example.COM ', 'layla@example.com'],
    ['l.a.y.l.a+news@example.com', 'l.a.y.l.a+news@example.com'],
    ['user@BÜCHER.example', 'user@xn--bcher-kva.example'],
    ['ليلى@example.com', 'ليلى@example.com'],
  ])('brings an email into one form (%s)', (given, normalized) => expect(email(given)).toBe(normalized));

  it.each(['', 'layla', '@example.com', 'layla@', 'a b@example.com', 'layla@exa mple.com', 'a@b@'])(
    'refuses what is no email (%p)',
    (value) => {
      expect(email(value)).toMatchObject({ code: 'invalid_email' });
    },
  );

  it.each([
    'layla@example.com/omar',
    'layla@example.com#2',
    'layla@example.com?subject=x',
    'layla@example.com\\omar',
    'layla@exam\nple.com',
    'layla@exam\tple.com',
    'layla@ex%61mple.com',
    'layla@example.com:25',
    'layla@[::1]',
    'layla@example.com/',
  ])('does not take %p for somebody else’s address', (value) => {
    expect(email(value)).toMatchObject({ code: 'invalid_email' });
  });

  const MARKS = ['\u200e', '\u200f', '\u200b', '\u200c', '\u200d', '\u061c', '\u2066', '\ufeff', '\u00ad'];
  it.each(MARKS.map((mark) => [mark.codePointAt(0)!.toString(16), mark]))('sees nobody else behind U+%s', (_, mark) => {
    const marked = (text: string): string => [...text].map((character) => mark + character).join('') + mark;
    expect(email(marked('layla@example.com'))).toBe('layla@example.com');
    expect(phone(marked('+966500000042'))).toBe('+966500000042');
    for (const scheme of ['account', 'device', 'national_id'])
      expect(normalizeIdentifier({ scheme, value: marked('1042') }, 'SA')).toBe('1042');
  });

  it('takes one text in two forms of Unicode, spaces of any width, and digits of any script for the same', () => {
    const decomposed = 'e\u0301lodie@example.com';
    expect(email(decomposed)).toBe(email('\u00e9lodie@example.com'));
    expect(normalizeIdentifier({ scheme: 'account', value: 'caf\u0065\u0301' }, 'SA')).toBe('caf\u00e9');
    expect(phone('+966\u202f50\u2009000\u00a00042')).toBe('+966500000042');
    for (const value of ['١٠٤٢', '۱۰۴۲'])
      expect(normalizeIdentifier({ scheme: 'national_id', value }, 'SA')).toBe('1042');
    expect(normalizeIdentifier({ scheme: 'account', value: '١٠٤٢' }, 'SA')).toBe('١٠٤٢');
  });

  it('never repeats what it refuses', () => {
    expect(JSON.stringify(phone('+96650000004'))).not.toContain('50000004');
  });

  it('trims the other schemes and refuses nothing but emptiness', () => {
    expect(normalizeIdentifier({ scheme: 'account', value: ' Acc-42 ' }, 'SA')).toBe('Acc-42');
    expect(normalizeIdentifier({ scheme: 'device', value: '  ' }, 'SA')).toMatchObject({ code: 'empty' });
  });

  it.each([
    '+966500000042',
    '00966500000042',
    '0500000042',
    '966500000042',
    '٠٥٠٠٠٠٠٠٤٢',
    'layla@example.com',
    'key layla@example.com',
    '+966 50 000 0042',
  ])('sees personal data in %s', (text) => expect(looksPersonal(text, 'SA')).toBe(true));

  it.each([
    'acc-42',
    '7c2c5b1e-8a52-4c8e-9a3e-0f6d1c2b3a4d',
    '1042',
    '00000000',
    '20260701091502',
    'sms/gateway',
    'v1.2@prod',
  ])('lets %s pass', (text) => expect(looksPersonal(text, 'SA')).toBe(false));

  it('finds addresses as the plain expression does', () => {
    const expression = /[^\s@]+@[^\s@]+\.[^\s@]+/;
    const text = fc.string({ unit: fc.constantFrom('a', '@', '.', ' ', '\n'), maxLength: 20 });
    fc.assert(
      fc.property(text, (each) => holdsAddress(each) === expression.test(each)),
      { numRuns: 5_000 },
    );
  });
});

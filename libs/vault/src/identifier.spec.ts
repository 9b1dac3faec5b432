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

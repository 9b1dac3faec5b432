import { readFileSync } from 'node:fs';
import { DATA_CATEGORIES, GROUNDS, PURPOSES, RECIPIENT_CLASSES } from '@sijill/contracts';
import { comparisonFaults, loadPolicy, PolicyInvalid, type PolicyFault } from './index.js';

const file = (name: string): string => readFileSync(new URL(`../../../policies/${name}`, import.meta.url), 'utf8');

const REQUIRED_CLAUSES = `
  definitions collect.personal collect.usage collect.contacts
  use.provide_services use.manage_accounts use.process_requests use.communicate_updates use.send_notifications
  use.improve_performance use.legal_compliance
  sms.records sms.no_sharing sms.exception.consent sms.exception.law sms.exception.protection
  share.service_providers share.authorities share.partners retention security
  rights.access rights.correction rights.deletion rights.object_marketing rights.contact children changes`
  .trim()
  .split(/\s+/);

describe('the founding policy', () => {
  const policy = loadPolicy(file('oursms-2026-06.yaml'));

  test('is oursms 2026-06, with every clause under its id', () => {
    expect([policy.kind, policy.id, policy.version, policy.effectiveFrom]).toEqual([
      'policy',
      'oursms',
      '2026-06',
      '2026-06-01',
    ]);
    expect(policy.clauses.map(({ id }) => id)).toEqual(REQUIRED_CLAUSES);
    expect(policy.ageLimit).toEqual({ years: 13, clause: 'children' });
  });

  test('speaks in the words that events use', () => {
    const keys = (terms: readonly { key: string }[] = []): string[] => terms.map(({ key }) => key);
    expect(keys(policy.taxonomy?.categories)).toEqual(DATA_CATEGORIES);
    expect(keys(policy.taxonomy?.purposes)).toEqual(PURPOSES);
    expect(keys(policy.taxonomy?.recipientClasses)).toEqual(RECIPIENT_CLASSES);
    expect(keys(policy.taxonomy?.grounds)).toEqual(GROUNDS);
  });

  test('says in both languages what it says', () => {
    for (const { title, text } of policy.clauses) {
      for (const { en, ar } of [title, text]) {
        expect(en).toMatch(/^[A-Z]/);
        expect(ar).toMatch(/^[\u0621-\u064a]/);
      }
    }
  });

  test('gives criteria for keeping every category, and leaves the periods open', () => {
    expect(policy.retention.flatMap(({ categories }) => categories).sort()).toEqual([...DATA_CATEGORIES].sort());
    expect(policy.retention.every(({ period }) => period === null)).toBe(true);
  });

  test('permits three exceptions from not sharing messages', () => {
    const exceptions = policy.clauses.filter(({ exceptionTo }) => exceptionTo === 'sms.no_sharing');
    expect(exceptions.map(({ grounds }) => grounds)).toEqual([['consent'], ['law'], ['protection']]);
  });
});

describe('the points of the PDPL', () => {
  const law = loadPolicy(file('ksa-pdpl.yaml'));
  const policy = loadPolicy(file('oursms-2026-06.yaml'));

  test('each cite an article and fit the policy that they are compared with', () => {
    expect(law.kind).toBe('law');
    for (const { articles, bearsOn } of law.clauses) {
      expect(articles.length).toBeGreaterThan(0);
      expect(bearsOn.length).toBeGreaterThan(0);
    }
    expect(comparisonFaults(law, policy)).toEqual([]);
  });

  test('are refused beside another policy, or where they touch a clause that is none', () => {
    expect(comparisonFaults(law, { ...policy, version: '2027-01' })).toMatchObject([{ path: 'comparedWith' }]);
    const without = { ...policy, clauses: policy.clauses.filter(({ id }) => id !== 'children') };
    expect(comparisonFaults(law, without)).toMatchObject([
      { path: expect.stringMatching(/^clauses\[\d\]\.bearsOn\[0\]$/), code: 'unknown_clause' },
    ]);
  });
});

describe('a policy that cannot be used', () => {
  const small = `
kind: policy
id: small
version: '1'
effectiveFrom: '2026-06-01'
title: { en: Small, ar: صغيرة }
taxonomy:
  categories: [{ key: contact.phone, en: Phone, ar: هاتف }]
  purposes: [{ key: marketing, en: Marketing, ar: تسويق }]
  recipientClasses: [{ key: partner, en: Partner, ar: شريك }]
  grounds: [{ key: law, en: Law, ar: نظام }]
clauses:
  - id: one
    effect: permits
    title: { en: One, ar: واحد }
    text: { en: One., ar: واحد. }
    categories: [contact.phone]
`;
  const faultsOf = (text: string): string[] => {
    try {
      loadPolicy(text);
    } catch (error) {
      if (!(error instanceof PolicyInvalid)) throw error;
      for (const { path } of error.faults) expect(error.message).toContain(path);
      return error.faults.map(({ path, code }: PolicyFault) => `${path} ${code}`);
    }
    return [];
  };
  const changed = (from: string, to: string): string[] => {
    expect(small).toContain(from);
    return faultsOf(small.replace(from, () => to));
  };

  test('is none when nothing is wrong', () => expect(faultsOf(small)).toEqual([]));

  test.each([
    ['a field nobody knows', '    categories:', '    colour: red\n    categories:', 'clauses[0].colour unknown_field'],
    ['a field inside a text', 'ar: واحد. }', "ar: واحد., fr: 'Un.' }", 'clauses[0].text.fr unknown_field'],
    ['a missing translation', 'title: { en: One, ar: واحد }', 'title: { en: One }', 'clauses[0].title.ar missing'],
    ['an empty text', 'text: { en: One.,', "text: { en: ' ',", 'clauses[0].text.en bad_form'],
    ['a text that is a number', 'id: one', 'id: 1', 'clauses[0].id wrong_type'],
    ['an id of another form', 'id: one', 'id: One Two', 'clauses[0].id bad_form'],
    ['an effect that is none', 'effect: permits', 'effect: hopes', 'clauses[0].effect unknown_word'],
    ['a day that is none', '2026-06-01', '2026-02-30', 'effectiveFrom bad_form'],
    ['a word outside the taxonomy', '[contact.phone]', '[contact.fax]', 'clauses[0].categories[0] unknown_word'],
    ['the same word twice', '[contact.phone]', '[contact.phone, contact.phone]', 'clauses[0].categories[1] repeated'],
    ['an empty list', '[contact.phone]', '[]', 'clauses[0].categories empty'],
    [
      'an exception to nothing',
      '    categories:',
      '    exceptionTo: two\n    categories:',
      'clauses[0].exceptionTo unknown_clause',
    ],
    [
      'a policy that is compared',
      'clauses:',
      "comparedWith: { id: a, version: '1' }\nclauses:",
      'comparedWith misplaced',
    ],
    ['no taxonomy', /taxonomy:[^]*(?=clauses:)/.exec(small)?.[0] ?? '', '', 'taxonomy missing'],
    [
      'an age clause that is none',
      'clauses:',
      'ageLimit: { years: 13, clause: two }\nclauses:',
      'ageLimit.clause unknown_clause',
    ],
    ['an age that is none', 'clauses:', 'ageLimit: { years: -1, clause: one }\nclauses:', 'ageLimit.years wrong_type'],
    ['an alias', 'ar: واحد. }', 'ar: &a واحد }\n    seeAlso: *a', ' not_yaml'],
    [
      'a member named like a prototype',
      '    categories:',
      '    __proto__: {}\n    categories:',
      'clauses[0].__proto__ unknown_field',
    ],
  ])('names %s', (_, from, to, fault) => expect(changed(from, to)).toEqual([fault]));

  test('names a clause id that occurs twice, and every other fault with it', () => {
    const again = small.slice(small.indexOf('  - id: one'));
    const rule =
      'retention:\n  - { categories: [contact.phone], clause: two, period: soon, criteria: { en: a, ar: ب } }\n';
    expect(faultsOf(`${small}${again}${rule}`)).toEqual([
      'clauses[1] repeated',
      'retention[0].period bad_form',
      'retention[0].clause unknown_clause',
    ]);
  });

  test.each([
    ['', ' wrong_type'],
    ['- a\n- b', ' wrong_type'],
    ['a: [', ' not_yaml'],
    ['a: 1\na: 2', ' not_yaml'],
  ])('names a file that is no mapping: %j', (text, fault) => expect(faultsOf(text)[0]).toBe(fault));
});

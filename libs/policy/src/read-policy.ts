import type { Field } from './field-reader.js';
import {
  ACTIVITIES,
  EFFECTS,
  type AgeLimit,
  type ArticleReference,
  type Clause,
  type DefinedTerm,
  type Policy,
  type RetentionRule,
  type Taxonomy,
  type TaxonomyTerm,
} from './policy.js';

const KEY = /^[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*$/u;
const KEY_SAYS = 'lower-case words joined by dots, such as collect.usage';
const NAME = /^[a-z0-9]+(-[a-z0-9]+)*$/u;
const PERIOD = /^P(?=\d)(\d{1,4}Y)?(\d{1,4}M)?(\d{1,4}W)?(\d{1,5}D)?$/u;

const key = (field: Field): string => field.text(KEY, KEY_SAYS);
const itself = (word: string): string => word;
const keys = (field: Field): string[] => field.distinct(key, itself);

/** Reads the shape of a policy file; what its parts say of each other is judged elsewhere. */
export function readPolicy(file: Field): Policy {
  const fields = file.members(
    'kind',
    'id',
    'version',
    'effectiveFrom',
    'title',
    'taxonomy',
    'comparedWith',
    'ageLimit',
    'clauses',
    'retention',
  );
  const kind = fields.kind.oneOf(['policy', 'law']);
  const { misplaced, missing } =
    kind === 'law'
      ? { misplaced: [fields.taxonomy, fields.ageLimit, fields.retention], missing: fields.comparedWith }
      : { misplaced: [fields.comparedWith], missing: fields.taxonomy };
  for (const field of misplaced) if (field.present) field.fault('misplaced', `has no place in a ${kind}`);
  if (!missing.present) missing.fault('missing', `is missing; a ${kind} needs it`);
  return {
    kind,
    ...identity(fields.id, fields.version),
    effectiveFrom: date(fields.effectiveFrom),
    title: fields.title.bilingual(),
    taxonomy: fields.taxonomy.optional(taxonomy, null),
    comparedWith: fields.comparedWith.optional((field) => {
      const { id, version } = field.members('id', 'version');
      return identity(id, version);
    }, null),
    ageLimit: fields.ageLimit.optional(ageLimit, null),
    clauses: fields.clauses.distinct(clause, ({ id }) => id),
    retention: fields.retention.optional((field) => field.items().map(retentionRule), []),
  };
}

function identity(id: Field, version: Field): { id: string; version: string } {
  return {
    id: id.text(NAME, 'lower-case words joined by hyphens'),
    version: version.text(/^[0-9A-Za-z][0-9A-Za-z.-]*$/u, 'a version such as 2026-06, in quotes'),
  };
}

function date(field: Field): string {
  const text = field.text(/^\d{4}-\d{2}-\d{2}$/u, 'a date such as 2026-06-01');
  const instant = new Date(`${text}T00:00:00Z`);
  const exists = !Number.isNaN(instant.getTime()) && instant.toISOString().startsWith(text);
  if (/^\d{4}-\d{2}-\d{2}$/u.test(text) && !exists) field.fault('bad_form', 'no such day in the calendar');
  return text;
}

function taxonomy(field: Field): Taxonomy {
  const lists = field.members('categories', 'purposes', 'recipientClasses', 'grounds');
  const terms = (list: Field): TaxonomyTerm[] =>
    list.distinct(
      (item) => {
        const { key: word, en, ar } = item.members('key', 'en', 'ar');
        return { key: key(word), en: en.text(), ar: ar.text() };
      },
      (term) => term.key,
    );
  return {
    categories: terms(lists.categories),
    purposes: terms(lists.purposes),
    recipientClasses: terms(lists.recipientClasses),
    grounds: terms(lists.grounds),
  };
}

function ageLimit(field: Field): AgeLimit {
  const { years, clause: id } = field.members('years', 'clause');
  return { years: years.integer(0, 120), clause: key(id) };
}

function clause(field: Field): Clause {
  const fields = field.members(
    'id',
    'effect',
    'title',
    'text',
    'activities',
    'categories',
    'purposes',
    'recipientClasses',
    'grounds',
    'exceptionTo',
    'seeAlso',
    'terms',
    'articles',
    'bearsOn',
  );
  return {
    id: key(fields.id),
    effect: fields.effect.oneOf(EFFECTS),
    title: fields.title.bilingual(),
    text: fields.text.bilingual(),
    activities: fields.activities.optional((list) => list.distinct((item) => item.oneOf(ACTIVITIES), itself), null),
    categories: fields.categories.optional(keys, null),
    purposes: fields.purposes.optional(keys, null),
    recipientClasses: fields.recipientClasses.optional(keys, null),
    grounds: fields.grounds.optional(keys, null),
    exceptionTo: fields.exceptionTo.optional(key, null),
    seeAlso: fields.seeAlso.optional(keys, []),
    terms: fields.terms.optional((list) => list.distinct(definedTerm, (term) => term.key), []),
    articles: fields.articles.optional((list) => list.items().map(article), []),
    bearsOn: fields.bearsOn.optional(keys, []),
  };
}

function definedTerm(field: Field): DefinedTerm {
  const { key: word, meaning } = field.members('key', 'meaning');
  return { key: key(word), meaning: meaning.bilingual() };
}

function article(field: Field): ArticleReference {
  const { law, article: number } = field.members('law', 'article');
  return {
    law: law.text(),
    article: number.text(/^\d+(\([0-9a-z]+\))*$/u, 'the number of an article in quotes, such as "20" or "20(2)"'),
  };
}

function retentionRule(field: Field): RetentionRule {
  const { categories, clause: id, period, criteria } = field.members('categories', 'clause', 'period', 'criteria');
  return {
    categories: keys(categories),
    clause: key(id),
    period: period.isNull ? null : period.text(PERIOD, 'a duration in ISO 8601 such as P18M, or null'),
    criteria: criteria.bilingual(),
  };
}

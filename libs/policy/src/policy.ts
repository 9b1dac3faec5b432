/** A text in both languages of the ledger's reports. */
export interface Bilingual {
  readonly en: string;
  readonly ar: string;
}

export const ACTIVITIES = ['collection', 'use', 'disclosure', 'deletion'] as const;
export type Activity = (typeof ACTIVITIES)[number];

/**
 * What a clause does: `permits` and `forbids` speak of activities, `requires` binds the platform, `grants` gives the data
 * subject a right, `defines` settles words.
 */
export const EFFECTS = ['defines', 'permits', 'forbids', 'requires', 'grants'] as const;
export type Effect = (typeof EFFECTS)[number];

/** A key that events use, with its name for people. */
export interface TaxonomyTerm extends Bilingual {
  readonly key: string;
}

/** The closed vocabulary of a policy version. */
export interface Taxonomy {
  readonly categories: readonly TaxonomyTerm[];
  readonly purposes: readonly TaxonomyTerm[];
  readonly recipientClasses: readonly TaxonomyTerm[];
  readonly grounds: readonly TaxonomyTerm[];
}

export interface DefinedTerm {
  readonly key: string;
  readonly meaning: Bilingual;
}

/** Where in a statute a clause comes from. */
export interface ArticleReference {
  readonly law: string;
  /** Number, with paragraphs when there are any, such as `20(2)`. */
  readonly article: string;
}

/** One commitment, cited by entries under its id. A list that is null does not narrow the clause. */
export interface Clause {
  readonly id: string;
  readonly effect: Effect;
  readonly title: Bilingual;
  readonly text: Bilingual;
  readonly activities: readonly Activity[] | null;
  readonly categories: readonly string[] | null;
  readonly purposes: readonly string[] | null;
  readonly recipientClasses: readonly string[] | null;
  readonly grounds: readonly string[] | null;
  /** The prohibition that this clause is an exception to. */
  readonly exceptionTo: string | null;
  readonly seeAlso: readonly string[];
  readonly terms: readonly DefinedTerm[];
  readonly articles: readonly ArticleReference[];
  /** Of a law: the clauses of the policy it is compared with that it touches. */
  readonly bearsOn: readonly string[];
}

/** How long data is kept; `period` (an ISO 8601 duration) is null until a tenant sets one. */
export interface RetentionRule {
  readonly categories: readonly string[];
  readonly clause: string;
  readonly period: string | null;
  readonly criteria: Bilingual;
}

export interface AgeLimit {
  readonly years: number;
  readonly clause: string;
}

/** A privacy policy, or the points of a law that stand beside one, in one version. */
export interface Policy {
  readonly kind: 'policy' | 'law';
  readonly id: string;
  readonly version: string;
  /** RFC 3339 date from which on this version applies. */
  readonly effectiveFrom: string;
  readonly title: Bilingual;
  /** Null for a law: it speaks in the words of the policy that it is compared with. */
  readonly taxonomy: Taxonomy | null;
  readonly comparedWith: { readonly id: string; readonly version: string } | null;
  readonly ageLimit: AgeLimit | null;
  readonly clauses: readonly Clause[];
  readonly retention: readonly RetentionRule[];
}

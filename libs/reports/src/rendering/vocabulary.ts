/** The vocabularies whose keys a document shows as words. */
export type Vocabulary =
  | 'scheme'
  | 'category'
  | 'purpose'
  | 'legalBasis'
  | 'ground'
  | 'kind'
  | 'class'
  | 'capacity'
  | 'method'
  | 'occasion'
  | 'transferBasis'
  | 'sealed';

export type TaxonomyWords = Readonly<Record<Vocabulary, Readonly<Record<string, string>>>>;

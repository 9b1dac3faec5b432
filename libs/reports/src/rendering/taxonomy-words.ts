import { arabicTaxonomy } from './taxonomy-words.ar.js';
import { englishTaxonomy } from './taxonomy-words.en.js';
import type { ReportLanguage } from './language.js';
import type { TaxonomyWords, Vocabulary } from './vocabulary.js';

const taxonomies: Record<ReportLanguage, TaxonomyWords> = { en: englishTaxonomy, ar: arabicTaxonomy };

/** The words for a key, or undefined for a key that this version does not know; the caller then shows the key as it is. */
export function wordsFor(vocabulary: Vocabulary, key: string, language: ReportLanguage): string | undefined {
  const words = taxonomies[language][vocabulary];
  // A key comes from outside: `constructor` must not find what every object has.
  return Object.hasOwn(words, key) ? words[key] : undefined;
}

import {
  CAPACITIES,
  DATA_CATEGORIES,
  GROUNDS,
  IDENTIFIER_SCHEMES,
  LEGAL_BASES,
  METHODS,
  OCCASIONS,
  OTHER_WORD,
  PARTY_KINDS,
  PURPOSES,
  RECIPIENT_CLASSES,
  TRANSFER_BASES,
} from '@sijill/contracts';
import { arabicTaxonomy } from './taxonomy-words.ar.js';
import { englishTaxonomy } from './taxonomy-words.en.js';
import { wordsFor } from './taxonomy-words.js';
import type { Vocabulary } from './vocabulary.js';

const KEYS: Record<Vocabulary, readonly string[]> = {
  scheme: IDENTIFIER_SCHEMES,
  category: DATA_CATEGORIES,
  purpose: PURPOSES,
  legalBasis: LEGAL_BASES,
  ground: GROUNDS,
  kind: PARTY_KINDS,
  class: RECIPIENT_CLASSES,
  capacity: CAPACITIES,
  method: [...METHODS, OTHER_WORD],
  occasion: OCCASIONS,
  transferBasis: [...TRANSFER_BASES, OTHER_WORD],
  sealed: ['none', 'closed', 'destroyed'],
};

describe('the words of the vocabularies', () => {
  it.each(Object.entries(KEYS))('are there in both languages for every key of %s, and for no other', (name, keys) => {
    for (const taxonomy of [englishTaxonomy, arabicTaxonomy]) {
      const words = taxonomy[name as Vocabulary];
      expect(Object.keys(words).sort()).toEqual([...keys].sort());
      expect(new Set(Object.values(words)).size).toBe(keys.length);
    }
  });

  it('are none for a key that no version knows', () => {
    for (const key of ['constructor', 'oral', '']) expect(wordsFor('method', key, 'en')).toBeUndefined();
  });
});

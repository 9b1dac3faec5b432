import { countries } from '../rendering/countries.js';
import { writtenTime } from '../rendering/dates.js';
import type { WrittenTime } from '../rendering/dates.js';
import type { ReportLanguage } from '../rendering/language.js';
import type { Printable, Printer } from '../rendering/printable.js';
import { wordsFor } from '../rendering/taxonomy-words.js';
import type { Vocabulary } from '../rendering/vocabulary.js';
import { arabicWords } from './accounting-words.ar.js';
import { englishWords } from './accounting-words.en.js';
import type { AccountingWords } from './accounting-words.js';

/** A string is wording of ours; a {@link Printable} came from outside. The template sets both as text, never as markup. */
export type Text = string | Printable;

const sentences: Record<ReportLanguage, AccountingWords> = { en: englishWords, ar: arabicWords };

/** All sentences of ours in a language. */
export function wordsIn(language: ReportLanguage): AccountingWords {
  return sentences[language];
}

/** Stands where the entry says nothing. */
const NOT_STATED = '–';

/** One language's way of saying what an accounting holds. */
export interface Wording {
  readonly language: ReportLanguage;
  readonly words: AccountingWords;
  /** Text from outside, as it is. */
  text(value: string | null): Text;
  /** An id or a digest: fixed pitch, left to right in both languages. */
  id(value: string | null): Text;
  /** A key of the taxonomy in words; one that has none, as it is. */
  key(vocabulary: Vocabulary, key: string | null): Text;
  /** A country by its name; a code that has none, as it is. */
  country(code: string): Text;
  /** An instant in both calendars, or null where the text is none. */
  time(instant: string): WrittenTime | null;
}

/** @param print readies text from outside, see `printer` */
export function wordingIn(language: ReportLanguage, print: Printer): Wording {
  return {
    language,
    words: wordsIn(language),
    text: (value) => (value === null ? NOT_STATED : print(value)),
    id: (value) => (value === null ? NOT_STATED : { ...breakable(print(value)), dir: 'ltr', mono: true }),
    key: (vocabulary, key) => (key === null ? NOT_STATED : (wordsFor(vocabulary, key, language) ?? print(key))),
    country: (code) => (Object.hasOwn(countries, code) ? countries[code]![language] : print(code)),
    time: (instant) => writtenTime(instant, language),
  };
}

/** An id may break behind each of its hyphens, where the rules for running text would keep digits together. */
function breakable(id: Printable): Printable {
  return { ...id, pieces: id.pieces.flatMap((piece) => piece.split(/(?<=-)/)) };
}

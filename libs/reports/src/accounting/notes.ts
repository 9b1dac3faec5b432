import type { AccountingWords } from './accounting-words.js';

/** What has to be known before the rest is read: a code for machines, and a sentence in the language of the document. */
export interface AccountingNote {
  readonly code: 'open_conflicts' | 'may_be_withheld';
  readonly text: string;
}

/** A note in words. */
export function noteText(code: AccountingNote['code'], words: AccountingWords): string {
  return { may_be_withheld: words.mayBeWithheld, open_conflicts: words.openConflicts }[code];
}

import { writtenCount } from '../rendering/dates.js';
import type { ReportLanguage } from '../rendering/language.js';
import type { Printer } from '../rendering/printable.js';
import type { AccountingWords } from './accounting-words.js';
import type { AccountingDataset } from './dataset.js';
import type { AccountingReference } from './json.js';
import { pageFacts, type FactGroup } from './page-facts.js';
import { pageRow, type Row } from './page-rows.js';
import { pageAllTotals, pageCharts, type Chart } from './page-totals.js';
import { noteText } from './notes.js';
import { wordingIn, type Text, type Wording } from './wording.js';

/** Goes up with every change of the template or its wording: the same data under another version may give other bytes. */
export const ACCOUNTING_TEMPLATE = 'accounting/3';

/** What the template lays out: every text in its final wording, in one language. */
export interface AccountingPage extends AccountingReference {
  readonly language: ReportLanguage;
  readonly words: AccountingWords;
  readonly template: string;
  readonly facts: readonly FactGroup[];
  /** What has to be known before anything else is read. */
  readonly notices: readonly string[];
  readonly figures: readonly Figure[];
  readonly charts: readonly Chart[];
  readonly allTotals: readonly Chart[];
  /** Said in place of the table when there is nothing to list. */
  readonly nothing: string | null;
  readonly rows: readonly Row[];
}

export interface Figure {
  readonly label: string;
  readonly value: Text;
  readonly also: Text | null;
}

/**
 * Words the dataset in a language, for the template.
 *
 * @param print readies text from outside, see `printer`
 */
export function accountingPage(
  dataset: AccountingDataset,
  reference: AccountingReference,
  language: ReportLanguage,
  print: Printer,
): AccountingPage {
  const wording = wordingIn(language, print);
  return {
    language,
    words: wording.words,
    template: ACCOUNTING_TEMPLATE,
    ...reference,
    facts: pageFacts(dataset, wording),
    notices: notices(dataset, wording),
    figures: figures(dataset, wording),
    charts: pageCharts(dataset, wording),
    allTotals: pageAllTotals(dataset, wording),
    nothing: nothing(dataset, wording),
    rows: dataset.disclosures.map((disclosure, index) => pageRow(disclosure, index, wording)),
  };
}

function figures({ totals, disclosures }: AccountingDataset, wording: Wording): Figure[] {
  const { words } = wording;
  const days = [
    [words.firstDay, disclosures.at(-1)],
    [words.lastDay, disclosures.at(0)],
  ] as const;
  return [
    { label: words.disclosures, value: writtenCount(totals.entries), also: null },
    { label: words.recipients, value: writtenCount(totals.byRecipient.length), also: null },
    { label: words.categories, value: writtenCount(totals.byCategory.length), also: null },
    ...days.flatMap(([label, disclosure]) => {
      if (!disclosure) return [];
      const written = wording.time(disclosure.occurredAt);
      return [{ label, value: written?.day ?? wording.text(disclosure.occurredAt), also: written?.hijri ?? null }];
    }),
  ];
}

function notices({ notes, totals }: AccountingDataset, { words }: Wording): string[] {
  return [
    ...notes.map(({ code }) => noteText(code, words)),
    ...(totals.conflicts > 0 ? [words.conflicting.replace('{count}', writtenCount(totals.conflicts))] : []),
  ];
}

function nothing({ totals, parameters }: AccountingDataset, { words }: Wording): string | null {
  if (totals.entries > 0) return null;
  return parameters.from === null && parameters.to === null ? words.nothingEver : words.nothingInPeriod;
}

import type { Disclosure } from '@sijill/contracts';
import { utf8 } from '@sijill/transparency';
import { accountingCsv } from '../accounting/csv.js';
import { accountingJson } from '../accounting/json.js';
import { TooLongToPrint } from '../rendering/render-errors.js';
import type { ReportLanguage } from '../rendering/language.js';
import type { Accounting } from './read-accounting.js';
import type { RenderProcess } from './render-process.js';

export const REPORT_FORMATS = ['pdf', 'csv', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface RenderedFile {
  readonly name: string;
  readonly mediaType: string;
  readonly content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>;
}

/** A PDF is laid out as a whole: of so many disclosures it has some five thousand pages, and the compiler takes three gigabytes. */
export const MOST_PRINTED = 10_000;

/**
 * One file of the accounting. All formats come from the one accounting, so they cannot disagree.
 *
 * @throws TooLongToPrint, and what `RenderProcess` throws
 */
export async function renderAccounting(
  accounting: Accounting,
  format: ReportFormat,
  language: ReportLanguage,
  pdfs: RenderProcess,
): Promise<RenderedFile> {
  const { head } = accounting;
  switch (format) {
    case 'pdf':
      return {
        name: `accounting-${language}.pdf`,
        mediaType: 'application/pdf',
        content: [await printed(accounting, language, pdfs)],
      };
    case 'csv':
      return {
        name: 'accounting.csv',
        mediaType: 'text/csv; charset=utf-8',
        content: bytesOf(accountingCsv(accounting.disclosures())),
      };
    case 'json':
      return {
        name: 'accounting.json',
        mediaType: 'application/json',
        content: bytesOf(accountingJson(head, accounting.disclosures())),
      };
    default:
      return format satisfies never;
  }
}

async function printed(
  { head, disclosures }: Accounting,
  language: ReportLanguage,
  pdfs: RenderProcess,
): Promise<Buffer> {
  const { entries } = head.totals;
  if (entries > MOST_PRINTED)
    throw new TooLongToPrint(
      `a PDF has ${MOST_PRINTED} disclosures at most, and there are ${entries}; ask for JSON or CSV, or for a shorter time`,
    );
  const dataset = { ...head, disclosures: [] as Disclosure[] };
  for await (const disclosure of disclosures()) dataset.disclosures.push(disclosure);
  return pdfs.render({ dataset, language });
}

async function* bytesOf(text: AsyncIterable<string>): AsyncGenerator<Uint8Array> {
  for await (const piece of text) yield utf8(piece);
}

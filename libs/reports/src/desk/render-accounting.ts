import { accountingCsv } from '../accounting/csv.js';
import type { AccountingDataset } from '../accounting/dataset.js';
import { accountingJson } from '../accounting/json.js';
import type { ReportLanguage } from '../rendering/language.js';
import type { RenderProcess } from './render-process.js';

export const REPORT_FORMATS = ['pdf', 'csv', 'json'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface RenderedFile {
  readonly name: string;
  readonly mediaType: string;
  readonly bytes: Buffer;
}

/** One file of the accounting. All formats come from the one dataset, so they cannot disagree. */
export async function renderAccounting(
  dataset: AccountingDataset,
  format: ReportFormat,
  language: ReportLanguage,
  pdfs: RenderProcess,
): Promise<RenderedFile> {
  switch (format) {
    case 'pdf':
      return {
        name: `accounting-${language}.pdf`,
        mediaType: 'application/pdf',
        bytes: await pdfs.render({ dataset, language }),
      };
    case 'csv':
      return { name: 'accounting.csv', mediaType: 'text/csv; charset=utf-8', bytes: accountingCsv(dataset) };
    case 'json':
      return { name: 'accounting.json', mediaType: 'application/json', bytes: accountingJson(dataset) };
    default:
      return format satisfies never;
  }
}

import { compileAccountingPdf } from '../accounting/compile.js';
import type { AccountingDataset } from '../accounting/dataset.js';
import type { ReportLanguage } from '../rendering/language.js';

/** What the desk's process asks of the rendering process, one at a time. */
export interface RenderJob {
  readonly dataset: AccountingDataset;
  readonly language: ReportLanguage;
}

/** What it answers: the document, or why there is none; the reason quotes nothing of the data. */
export type RenderAnswer = { readonly pdf: Uint8Array } | { readonly failure: string };

// Ctrl-C at a terminal reaches every process of the group; the one that asked decides when this one ends.
process.on('SIGINT', () => undefined);
process.on('SIGTERM', () => undefined);
// Whoever asked is gone, however it went.
process.on('disconnect', () => process.exit(0));

process.on('message', async ({ dataset, language }: RenderJob) => {
  let answer: RenderAnswer;
  try {
    answer = { pdf: await compileAccountingPdf(dataset, { language }) };
  } catch (error) {
    answer = { failure: error instanceof Error ? error.message : 'unknown error' };
  }
  process.send!(answer);
});

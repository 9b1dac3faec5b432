import type { ReportLanguage } from '../rendering/language.js';
import { loadFonts } from '../rendering/fonts.js';
import { printer } from '../rendering/printable.js';
import { compilePdf } from '../rendering/typst.js';
import { accountingPage } from './accounting-page.js';
import { accountingTemplate } from './accounting.typ.js';
import type { AccountingDataset } from './dataset.js';
import { accountingReference } from './json.js';

/**
 * Makes the PDF in this very process. The same dataset, language and template version give the same bytes.
 *
 * Blocks the thread; the desk calls it in a process of its own, through `RenderProcess`.
 *
 * @throws RenderFailed the document cannot be made from this dataset
 */
export async function compileAccountingPdf(
  dataset: AccountingDataset,
  options: { language: ReportLanguage },
): Promise<Buffer> {
  const fonts = loadFonts();
  return compilePdf({
    source: accountingTemplate,
    data: accountingPage(dataset, await accountingReference(dataset), options.language, printer(fonts.covers)),
    createdAt: secondsOf(dataset.asOf.time),
    fonts: fonts.blobs,
  });
}

/** An empty ledger has no last entry, and its documents no better date than the beginning of time. */
function secondsOf(instant: string): number {
  const milliseconds = Date.parse(instant);
  return Number.isNaN(milliseconds) ? 0 : Math.max(0, Math.floor(milliseconds / 1000));
}

import type { Audience } from '../accounting/audience.js';
import type { ReportLanguage } from '../rendering/language.js';
import type { ReportFormat } from './render-accounting.js';

export interface AccountingOrder {
  readonly subjectId: string;
  readonly audience: Audience;
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
  /** Whoever asked, as people call them; printed. */
  readonly requestedBy: string;
  /** The same, by the stable id under which the ledger records what they cause. */
  readonly principal: string;
  readonly language: ReportLanguage;
  readonly formats: readonly ReportFormat[];
}

export interface ReportFile {
  readonly name: string;
  readonly mediaType: string;
  readonly size: number;
  readonly sha256: string;
}

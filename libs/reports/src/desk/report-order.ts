import type { ReportLanguage } from '../rendering/language.js';
import type { ReportFormat } from './render-accounting.js';

/** For whom a document is made: what the person itself receives tells nobody whether anything was kept from it. */
export const AUDIENCES = ['subject', 'officer', 'regulator'] as const;
export type Audience = (typeof AUDIENCES)[number];

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

import type { AsOf } from '@sijill/contracts';
import { ledgerEntry, type NewEntry } from '@sijill/event-store';
import { newSalt } from '@sijill/platform';
import { canonicalJson } from '@sijill/transparency';
import { seal, type Secret } from '@sijill/vault';
import type { AccountingOrder, ReportFile } from './report-order.js';

export const REPORT_GENERATED = 'sijill.report.generated.v1';

export interface MadeReport {
  readonly order: AccountingOrder;
  readonly reportId: string;
  readonly asOf: AsOf;
  readonly files: readonly ReportFile[];
}

/**
 * That a report about somebody was made, as an entry of that person's. What came out, by its hashes, and why, are sealed with the
 * person's key, for of what can be guessed a hash gives it away; who asked, with the staff's.
 *
 * @param now in milliseconds
 */
export function reportEntry(
  { order, reportId, asOf, files }: MadeReport,
  secrets: { readonly subject: Secret; readonly staff: Secret },
  { id, now }: { readonly id: string; readonly now: number },
): NewEntry {
  const { subjectId, from, to, audience, language, principal, requestedBy, reason } = order;
  const own = { files: files.map((file) => ({ ...file })), reason };
  return ledgerEntry(
    REPORT_GENERATED,
    now,
    {
      report: 'accounting',
      reportId,
      subjectId,
      from,
      to,
      audience,
      language,
      asOf: { ...asOf },
      has: ['actor', 'files', 'reason'],
    },
    {
      id,
      principal,
      sealed: {
        subject: seal(secrets.subject, `${id}/subject`, canonicalJson(own)),
        staff: seal(secrets.staff, `staff/${newSalt()}`, canonicalJson({ actor: requestedBy })),
      },
      keys: { subject: secrets.subject.keyId, staff: secrets.staff.keyId },
    },
  );
}

import type { AsOf, Disclosure } from '@sijill/contracts';

/** What was asked for. `from` is inclusive, `to` exclusive, both on `occurredAt`; null leaves that end open. */
export interface AccountingParameters {
  readonly from: string | null;
  readonly to: string | null;
  readonly reason: string;
  readonly requestedBy: string;
}

/** The person (or organization) the document is about, with the identifiers the vault knows at that position. */
export interface AccountingSubject {
  readonly subjectId: string;
  readonly identifiers: readonly { readonly scheme: string; readonly value: string }[];
}

export interface RecipientTotal {
  readonly id: string;
  readonly name: string;
  readonly count: number;
}

export interface CategoryTotal {
  readonly category: string;
  readonly count: number;
}

export interface AccountingTotals {
  readonly entries: number;
  readonly byRecipient: readonly RecipientTotal[];
  readonly byCategory: readonly CategoryTotal[];
}

export interface AccountingInput {
  readonly parameters: AccountingParameters;
  readonly asOf: AsOf;
  readonly subject: AccountingSubject;
  readonly disclosures: readonly Disclosure[];
}

/** The one source of the PDF, the CSV and the JSON of an accounting: none of them looks anywhere else. */
export interface AccountingDataset extends AccountingInput {
  readonly report: 'accounting';
  readonly totals: AccountingTotals;
}

/**
 * Makes the dataset of an accounting of disclosures.
 *
 * Every object is copied member by member, for two reasons: the order of the members is then the published one,
 * whatever order the reader's rows had, and a column that a read model adds tomorrow cannot slip into a document
 * that leaves the house.
 *
 * @param input the request, where the ledger stood, the subject, and the disclosures, newest first; their order is kept
 */
export function buildAccounting(input: AccountingInput): AccountingDataset {
  const { parameters, asOf, subject } = input;
  const disclosures = input.disclosures.map(copyOf);
  return {
    report: 'accounting',
    parameters: {
      from: parameters.from,
      to: parameters.to,
      reason: parameters.reason,
      requestedBy: parameters.requestedBy,
    },
    asOf: { position: asOf.position, time: asOf.time },
    subject: {
      subjectId: subject.subjectId,
      identifiers: subject.identifiers.map(({ scheme, value }) => ({ scheme, value })),
    },
    totals: {
      entries: disclosures.length,
      byRecipient: totalByRecipient(disclosures),
      byCategory: totalByCategory(disclosures),
    },
    disclosures,
  };
}

/** A recipient that changed its name is one recipient; it goes by the name in the newest entry. */
function totalByRecipient(disclosures: readonly Disclosure[]): RecipientTotal[] {
  const totals = new Map<string, { id: string; name: string; count: number }>();
  for (const { recipient } of disclosures) {
    const known = totals.get(recipient.id);
    if (known) known.count += 1;
    else totals.set(recipient.id, { id: recipient.id, name: recipient.name, count: 1 });
  }
  return [...totals.values()].sort((a, b) => b.count - a.count || byCodeUnit(a.id, b.id));
}

/** Counts entries, not mentions: a category named twice in one entry counts once. */
function totalByCategory(disclosures: readonly Disclosure[]): CategoryTotal[] {
  const counts = new Map<string, number>();
  for (const { dataCategories } of disclosures) {
    for (const category of new Set(dataCategories)) counts.set(category, (counts.get(category) ?? 0) + 1);
  }
  return [...counts]
    .map(([category, count]) => ({ category, count }))
    .sort((a, b) => b.count - a.count || byCodeUnit(a.category, b.category));
}

/** Not `localeCompare`: its order depends on the machine, and the same ledger must give the same bytes everywhere. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function copyOf(d: Disclosure): Disclosure {
  const { recipient: r, request } = d;
  return {
    entryId: d.entryId,
    occurredAt: d.occurredAt,
    recordedAt: d.recordedAt,
    recipient: { id: r.id, name: r.name, class: r.class, capacity: r.capacity, country: r.country },
    dataCategories: [...d.dataCategories],
    purpose: d.purpose,
    legalBasis: d.legalBasis,
    ground: d.ground,
    method: d.method,
    occasion: d.occasion,
    request: request && { reference: request.reference, sha256: request.sha256 },
    minimumNecessary: d.minimumNecessary,
    transferBasis: d.transferBasis,
    policyVersion: d.policyVersion,
    producer: d.producer,
    system: d.system,
    source: d.source,
    eventId: d.eventId,
    sealed: d.sealed,
  };
}

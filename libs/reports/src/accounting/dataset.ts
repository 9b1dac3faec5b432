import type { AsOf, CustomerView, Disclosure, NoticeView, RecipientView } from '@sijill/contracts';
import type { ReportLanguage } from '../rendering/language.js';
import type { Audience } from './audience.js';
import { noteText, type AccountingNote } from './notes.js';
import { wordsIn } from './wording.js';

/** What was asked for. `from` is inclusive, `to` exclusive, both on `occurredAt`; null leaves that end open. */
export interface AccountingParameters {
  readonly from: string | null;
  readonly to: string | null;
  readonly audience: Audience;
  readonly reason: string;
  readonly requestedBy: string;
}

/** What leads to the person, and since and until when; null where the ledger knows no beginning, or it still does. */
export interface SubjectIdentifier {
  /** That of the linked subjects to which it is bound. */
  readonly subjectId: string;
  readonly scheme: string;
  /** Where it means something: of an account or a device; of a national id the country. */
  readonly realm: string | null;
  readonly value: string;
  readonly since: string | null;
  readonly until: string | null;
}

/** The person (or organization) the document is about, with the identifiers that the vault knows. */
export interface AccountingSubject {
  readonly subjectId: string;
  /** The other subjects that are the same person. */
  readonly linked: readonly string[];
  readonly identifiers: readonly SubjectIdentifier[];
  /** Of how many others it is not settled whether they are this person too; null where a note says it in words. */
  readonly openConflicts: number | null;
}

export interface RecipientTotal {
  readonly id: string | null;
  readonly name: string | null;
  readonly count: number;
}

export interface CategoryTotal {
  readonly category: string;
  readonly count: number;
}

export interface AccountingTotals {
  /** All of them, conflicts too. */
  readonly entries: number;
  /** Those whose event's identity was used before, for something else. */
  readonly conflicts: number;
  /** Left out because somebody may not be told yet; null for the person itself, whose document is the same either way. */
  readonly withheld: number | null;
  readonly byRecipient: readonly RecipientTotal[];
  readonly byCategory: readonly CategoryTotal[];
}

export interface AccountingInput {
  readonly parameters: AccountingParameters;
  readonly language: ReportLanguage;
  readonly asOf: AsOf;
  readonly subject: AccountingSubject & { readonly openConflicts: number };
  readonly disclosures: readonly Disclosure[];
}

/** The one source of the PDF, the CSV and the JSON of an accounting: none of them looks anywhere else. */
export interface AccountingDataset {
  readonly report: 'accounting';
  readonly parameters: AccountingParameters;
  readonly asOf: AsOf;
  readonly subject: AccountingSubject;
  readonly totals: AccountingTotals;
  readonly notes: readonly AccountingNote[];
  readonly disclosures: readonly Disclosure[];
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
  const isForSubject = parameters.audience === 'subject';
  const disclosures = input.disclosures.map(copyOf);
  return {
    report: 'accounting',
    parameters: {
      from: parameters.from,
      to: parameters.to,
      audience: parameters.audience,
      reason: parameters.reason,
      requestedBy: parameters.requestedBy,
    },
    asOf: { position: asOf.position, time: asOf.time },
    subject: {
      subjectId: subject.subjectId,
      linked: [...subject.linked],
      identifiers: subject.identifiers.map(({ subjectId, scheme, realm, value, since, until }) => ({
        subjectId,
        scheme,
        realm,
        value,
        since,
        until,
      })),
      openConflicts: isForSubject ? null : subject.openConflicts,
    },
    totals: {
      entries: disclosures.length,
      conflicts: disclosures.filter(({ standing }) => standing === 'conflict').length,
      // Nothing can be withheld yet.
      withheld: isForSubject ? null : 0,
      byRecipient: totalByRecipient(disclosures),
      byCategory: totalByCategory(disclosures),
    },
    notes: notesOf(input),
    disclosures,
  };
}

/** What the person itself is told is in each of its documents alike: it must not tell that something is kept from it. */
function notesOf({ parameters, language, subject }: AccountingInput): AccountingNote[] {
  const codes: AccountingNote['code'][] = [
    ...(parameters.audience === 'subject' ? (['may_be_withheld'] as const) : []),
    ...(subject.openConflicts > 0 ? (['open_conflicts'] as const) : []),
  ];
  return codes.map((code) => ({ code, text: noteText(code, wordsIn(language)) }));
}

/** A recipient that changed its name is one recipient; it goes by the name in the newest entry. */
function totalByRecipient(disclosures: readonly Disclosure[]): RecipientTotal[] {
  const totals = new Map<string | null, { id: string | null; name: string | null; count: number }>();
  for (const { recipient } of disclosures) {
    const known = totals.get(recipient.id);
    if (known) known.count += 1;
    else totals.set(recipient.id, { id: recipient.id, name: recipient.name, count: 1 });
  }
  return [...totals.values()].sort((a, b) => b.count - a.count || byCodeUnit(a.id ?? '', b.id ?? ''));
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
  const { request } = d;
  return {
    entryId: d.entryId,
    subjectId: d.subjectId,
    occurredAt: d.occurredAt,
    recordedAt: d.recordedAt,
    recipient: recipientOf(d.recipient),
    dataCategories: [...d.dataCategories],
    purpose: d.purpose,
    legalBasis: d.legalBasis,
    ground: d.ground,
    method: d.method,
    occasion: d.occasion,
    request: request && { reference: request.reference, sha256: request.sha256 },
    minimumNecessary: d.minimumNecessary,
    effectOnOthers: d.effectOnOthers,
    transferBasis: d.transferBasis,
    policyVersion: d.policyVersion,
    producer: d.producer,
    onBehalfOf: d.onBehalfOf && customerOf(d.onBehalfOf),
    system: d.system,
    processingActivity: d.processingActivity,
    source: d.source,
    eventId: d.eventId,
    standing: d.standing,
    verdict: d.verdict,
    clauses: [...d.clauses],
    notices: d.notices.map(noticeOf),
    sealed: d.sealed,
  };
}

function recipientOf(r: RecipientView): RecipientView {
  const { id, name, kind, capacity, country, contact, reference } = r;
  return { id, name, kind, class: r.class, capacity, country, contact, reference };
}

function customerOf({ id, name, kind }: CustomerView): CustomerView {
  return { id, name, kind };
}

function noticeOf({ noticeId, change, status, sentAt, answeredAt }: NoticeView): NoticeView {
  return { noticeId, change, status, sentAt, answeredAt };
}

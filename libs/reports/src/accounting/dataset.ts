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

/** What an accounting is made of, but for the disclosures. */
export interface AccountingInput {
  readonly parameters: AccountingParameters;
  readonly language: ReportLanguage;
  readonly asOf: AsOf;
  readonly subject: AccountingSubject & { readonly openConflicts: number };
}

/** What an accounting says before its disclosures. */
export interface AccountingHead {
  readonly report: 'accounting';
  readonly parameters: AccountingParameters;
  readonly asOf: AsOf;
  readonly subject: AccountingSubject;
  readonly totals: AccountingTotals;
  readonly notes: readonly AccountingNote[];
}

/** A whole accounting: what the PDF, the CSV and the JSON are made of, and nothing else. */
export interface AccountingDataset extends AccountingHead {
  readonly disclosures: readonly Disclosure[];
}

/**
 * Makes what an accounting of disclosures says before its disclosures. These go through `publishedDisclosure`.
 *
 * Every object is copied member by member, for two reasons: the order of the members is then the published one,
 * whatever order the reader's rows had, and a column that a read model adds tomorrow cannot slip into a document
 * that leaves the house.
 *
 * @param input  the request, where the ledger stood, the subject
 * @param counts of all disclosures, newest first
 */
export function accountingHead(input: AccountingInput, counts: DisclosureCounts): AccountingHead {
  const { parameters, asOf, subject } = input;
  const isForSubject = parameters.audience === 'subject';
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
      entries: counts.entries,
      conflicts: counts.conflicts,
      // Nothing can be withheld yet.
      withheld: isForSubject ? null : 0,
      byRecipient: counts.byRecipient(),
      byCategory: counts.byCategory(),
    },
    notes: notesOf(input),
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

/** The totals of an accounting, counted disclosure by disclosure, newest first: as much is kept as there are recipients and categories. */
export class DisclosureCounts {
  entries = 0;
  conflicts = 0;
  private readonly recipients = new Map<string | null, { id: string | null; name: string | null; count: number }>();
  private readonly categories = new Map<string, number>();

  add({ standing, recipient: { id, name }, dataCategories }: Disclosure): void {
    this.entries++;
    if (standing === 'conflict') this.conflicts++;
    const known = this.recipients.get(id);
    if (known) known.count++;
    else this.recipients.set(id, { id, name, count: 1 });
    for (const category of new Set(dataCategories))
      this.categories.set(category, (this.categories.get(category) ?? 0) + 1);
  }

  /** A recipient that changed its name is one recipient; it goes by the name in the newest entry. */
  byRecipient(): RecipientTotal[] {
    return [...this.recipients.values()].sort((a, b) => b.count - a.count || byCodeUnit(a.id ?? '', b.id ?? ''));
  }

  /** Counts entries, not mentions: a category named twice in one entry counts once. */
  byCategory(): CategoryTotal[] {
    return [...this.categories]
      .map(([category, count]) => ({ category, count }))
      .sort((a, b) => b.count - a.count || byCodeUnit(a.category, b.category));
  }
}

/** Not `localeCompare`: its order depends on the machine, and the same ledger must give the same bytes everywhere. */
function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** A disclosure as documents have it: its members and no others, in the published order. */
export function publishedDisclosure(d: Disclosure): Disclosure {
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

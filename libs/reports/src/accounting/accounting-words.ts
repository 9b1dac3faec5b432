/** Every sentence of the document that is ours. What comes from the ledger is never part of one; it stands in its own place. */
export interface AccountingWords {
  readonly register: string;
  readonly registerDescription: string;
  readonly title: string;
  readonly confidential: string;
  /** `{page}` and `{pages}` are filled in by the template. */
  readonly pageOf: string;
  readonly reference: string;
  readonly template: string;
  readonly request: string;
  readonly requestedBy: string;
  readonly reason: string;
  readonly period: string;
  readonly wholeHistory: string;
  readonly from: string;
  readonly until: string;
  readonly beginning: string;
  readonly present: string;
  readonly subject: string;
  readonly subjectId: string;
  readonly identifiers: string;
  /** `{day}` is filled in. */
  readonly heldUntil: string;
  /** Said where it is not settled who is this person. */
  readonly openConflicts: string;
  /** Said in each document for the person itself, whether or not anything is withheld. */
  readonly mayBeWithheld: string;
  /** Said where there are conflicts; `{count}` is filled in. */
  readonly conflicting: string;
  readonly conflictFlag: string;
  readonly ledger: string;
  readonly position: string;
  readonly madeAt: string;
  readonly emptyLedger: string;
  readonly summary: string;
  readonly disclosures: string;
  readonly recipients: string;
  readonly categories: string;
  readonly firstDay: string;
  readonly lastDay: string;
  readonly byRecipient: string;
  readonly byCategory: string;
  readonly byCategoryNote: string;
  /** `{count}`, `{entries}` are filled in. */
  readonly moreRecipients: string;
  readonly moreCategories: string;
  readonly allTotals: string;
  readonly nothing: string;
  readonly nothingInPeriod: string;
  readonly nothingEver: string;
  readonly disclosureRegister: string;
  readonly columns: readonly [number: string, when: string, recipient: string, data: string, why: string, how: string];
  readonly purpose: string;
  readonly legalBasis: string;
  readonly ground: string;
  readonly method: string;
  readonly occasion: string;
  readonly minimumNecessary: string;
  readonly yes: string;
  readonly no: string;
  readonly transferBasis: string;
  readonly effectOnOthers: string;
  readonly onBehalfOf: string;
  readonly requestReference: string;
  readonly requestDigest: string;
  readonly policyVersion: string;
  readonly producer: string;
  readonly system: string;
  readonly processingActivity: string;
  readonly source: string;
  readonly eventId: string;
  readonly entryId: string;
  readonly recordedAt: string;
  readonly sealed: string;
  readonly recipientId: string;
  /** `{count}` is filled in. */
  readonly end: string;
  readonly howToRead: string;
  readonly howToReadNotes: readonly string[];
  readonly limits: string;
  readonly limitNotes: readonly string[];
  readonly dataFile: string;
}

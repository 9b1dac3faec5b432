import type { Disclosure } from '@sijill/contracts';
import { customerView, openedRow, recipientView, referenceView } from '../activity-timeline/sealed-row.js';
import type { ActivityTable } from '../activity-timeline/table.js';
import type { Opener } from '../opening.js';

/** A row as an officer gets it: what can be opened is open, what cannot any more is null. @throws SealBroken */
export function disclosureView(row: ActivityTable, opener: Opener): Disclosure {
  const { data, source, eventId, sealed } = openedRow(row, opener);
  const given = data as Partial<Disclosure>;
  return {
    entryId: row.entry_id,
    subjectId: row.subject_id,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    recipient: recipientView(data['recipient']),
    dataCategories: given.dataCategories ?? [],
    purpose: row.purpose,
    legalBasis: given.legalBasis ?? null,
    ground: row.ground,
    method: given.method ?? null,
    occasion: given.occasion ?? null,
    request: referenceView(data['request']),
    minimumNecessary: given.minimumNecessary ?? null,
    effectOnOthers: given.effectOnOthers ?? null,
    transferBasis: given.transferBasis ?? null,
    policyVersion: given.policyVersion ?? null,
    producer: row.producer,
    onBehalfOf: customerView(data['onBehalfOf']),
    system: given.system ?? null,
    processingActivity: given.processingActivity ?? null,
    source,
    eventId,
    standing: row.standing as Disclosure['standing'],
    verdict: null,
    clauses: [],
    notices: [],
    sealed,
  };
}

/** A disclosure without what a producer wrote to find its own papers again: that is no business of a regulator's. */
export function withoutReferences(disclosure: Disclosure): Disclosure {
  const { recipient } = disclosure;
  return { ...disclosure, request: null, eventId: null, recipient: { ...recipient, contact: null, reference: null } };
}

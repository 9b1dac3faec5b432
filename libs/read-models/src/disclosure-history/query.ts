import type { Kysely } from 'kysely';
import type { Disclosure, RecipientView, ReferenceView } from '@sijill/contracts';
import {
  referenceView,
  sealedState,
  timelineRows,
  type Page,
  type TimelineFilter,
} from '../activity-timeline/query.js';
import type { ActivityTable } from '../activity-timeline/table.js';
import type { ReadModelTables } from '../tables.js';

/**
 * The disclosure history of one subject: the disclosures of the timeline beneath it, newest first.
 *
 * @throws CursorInvalid
 */
export async function disclosureHistory(
  db: Kysely<ReadModelTables>,
  filter: Omit<TimelineFilter, 'activity'>,
  page: Page,
  erased: boolean,
): Promise<{ items: Disclosure[]; next: string | null }> {
  const { rows, next } = await timelineRows(db, { ...filter, activity: ['disclosure'] }, page);
  return { items: rows.map((row) => disclosureView(row, erased)), next };
}

function disclosureView(row: ActivityTable, erased: boolean): Disclosure {
  const body = JSON.parse(row.body) as Partial<Disclosure> & { recipient: RecipientView; hasSealed: boolean };
  return {
    entryId: row.entry_id,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    recipient: {
      id: body.recipient.id,
      name: body.recipient.name,
      class: body.recipient.class,
      capacity: body.recipient.capacity,
      country: body.recipient.country,
    },
    dataCategories: body.dataCategories ?? [],
    purpose: body.purpose ?? null,
    legalBasis: body.legalBasis ?? null,
    ground: body.ground ?? null,
    method: body.method ?? null,
    occasion: body.occasion ?? null,
    request: referenceView(body.request as Partial<ReferenceView> | undefined),
    minimumNecessary: body.minimumNecessary ?? null,
    transferBasis: body.transferBasis ?? null,
    policyVersion: body.policyVersion ?? null,
    producer: body.producer ?? null,
    system: body.system ?? null,
    source: body.source ?? '',
    eventId: body.eventId ?? '',
    sealed: sealedState(body.hasSealed, erased),
  };
}

import { sql, type Kysely } from 'kysely';
import { fieldsOfEvent, type ActivityView, type ReferenceView, type SealedState } from '@sijill/contracts';
import { decodeCursor, encodeCursor } from '../cursor.js';
import type { ReadModelTables } from '../tables.js';
import type { ActivityTable } from './table.js';

/** What a reader asks for. Several values of one filter mean "or", different filters mean "and". Times are ISO, UTC, milliseconds. */
export interface TimelineFilter {
  readonly subjectId: string;
  readonly activity?: readonly string[];
  /** Inclusive, on the time of the event. */
  readonly from?: string;
  /** Exclusive. */
  readonly to?: string;
  readonly recipient?: readonly string[];
  readonly recipientClass?: readonly string[];
  readonly purpose?: readonly string[];
  /** Keys of the taxonomy; nothing else may come here, for they go into a pattern. */
  readonly category?: readonly string[];
  /** Only what was in the ledger at this position: a report reads many pages and must be of one moment. */
  readonly upTo?: number;
}

export interface Page {
  readonly limit: number;
  readonly cursor: string | null;
}

/**
 * The rows of one subject, newest event first; ties by time of recording, then by entry id, all descending. The page after a
 * cursor begins behind the row that the cursor names, whatever has arrived since.
 *
 * @throws CursorInvalid
 */
export async function timelineRows(
  db: Kysely<ReadModelTables>,
  filter: TimelineFilter,
  page: Page,
): Promise<{ rows: ActivityTable[]; next: string | null }> {
  let query = db.selectFrom('activity').selectAll().where('subject_id', '=', filter.subjectId);
  const { activity, from, to, recipient, recipientClass, purpose, category } = filter;
  // In the statement itself and not as a parameter: a planner takes the partial index on disclosures only when it can see
  // that nothing else is asked for.
  if (activity?.length === 1 && activity[0] === 'disclosure')
    query = query.where('activity', '=', sql.lit('disclosure'));
  else if (activity !== undefined) query = query.where('activity', 'in', [...activity]);
  if (from !== undefined) query = query.where('occurred_at', '>=', from);
  if (filter.upTo !== undefined) query = query.where('position', '<=', filter.upTo);
  if (to !== undefined) query = query.where('occurred_at', '<', to);
  if (recipient !== undefined) query = query.where('recipient_id', 'in', [...recipient]);
  if (recipientClass !== undefined) query = query.where('recipient_class', 'in', [...recipientClass]);
  if (purpose !== undefined) query = query.where('purpose', 'in', [...purpose]);
  if (category !== undefined) {
    query = query.where((eb) => eb.or(category.map((key) => eb('categories', 'like', `%|${key}|%`))));
  }
  if (page.cursor !== null) {
    const [occurredAt, recordedAt, entryId] = decodeCursor(page.cursor, ['string', 'string', 'string']) as [
      string,
      string,
      string,
    ];
    query = query.where((eb) =>
      eb(eb.refTuple('occurred_at', 'recorded_at', 'entry_id'), '<', eb.tuple(occurredAt, recordedAt, entryId)),
    );
  }
  const rows = await query
    .orderBy('occurred_at', 'desc')
    .orderBy('recorded_at', 'desc')
    .orderBy('entry_id', 'desc')
    .limit(page.limit + 1)
    .execute();
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  const next =
    rows.length > page.limit && last !== undefined
      ? encodeCursor([last.occurred_at, last.recorded_at, last.entry_id])
      : null;
  return { rows: shown, next };
}

/** A row as readers get it. `erased`: the subject's key is gone. */
export function activityView(row: ActivityTable, erased: boolean): ActivityView {
  const {
    hasSealed,
    entryId: about,
    ...body
  } = JSON.parse(row.body) as Record<string, unknown> & {
    hasSealed: boolean;
    entryId?: string;
    role?: string | null;
    dataCategories?: string[];
    producer: string | null;
    source: string;
    eventId: string;
  };
  const given: Record<string, unknown> = body;
  const ofKind = Object.fromEntries(
    fieldsOfEvent(row.type).map((name) => {
      // A notice to a recipient names the entry that it is about; here `entryId` is the notice's own.
      if (name === 'entryId') return ['aboutEntryId', about ?? null];
      if (name === 'evidence' || name === 'request')
        return [name, referenceView(given[name] as Partial<ReferenceView>)];
      return [name, given[name] ?? null];
    }),
  );
  return {
    purpose: null,
    legalBasis: null,
    policyVersion: null,
    system: null,
    evidence: null,
    ...ofKind,
    entryId: row.entry_id,
    activity: row.activity as ActivityView['activity'],
    type: row.type,
    role: body.role ?? null,
    occurredAt: row.occurred_at,
    recordedAt: row.recorded_at,
    dataCategories: body.dataCategories ?? [],
    producer: body.producer,
    source: body.source,
    eventId: body.eventId,
    sealed: sealedState(hasSealed, erased),
  };
}

export function referenceView(reference: Partial<ReferenceView> | null | undefined): ReferenceView | null {
  return reference === undefined || reference === null
    ? null
    : { reference: reference.reference ?? null, sha256: reference.sha256 ?? null };
}

export function sealedState(hasSealed: boolean, erased: boolean): SealedState {
  if (!hasSealed) return 'none';
  return erased ? 'destroyed' : 'closed';
}

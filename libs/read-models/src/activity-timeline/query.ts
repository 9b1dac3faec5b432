import { sql, type Kysely } from 'kysely';
import { isoTime } from '@sijill/platform';
import { decodeCursor, encodeCursor } from '../cursor.js';
import type { ReadModelTables } from '../tables.js';
import type { ActivityTable } from './table.js';

/** What a reader asks for. Several values of one filter mean "or", different filters mean "and". Times are ISO, UTC, milliseconds. */
export interface TimelineFilter {
  /** One person: the subject that was looked up, and all that are linked to it. */
  readonly subjectIds: readonly string[];
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
  readonly ground?: readonly string[];
  readonly producer?: readonly string[];
  /** Ids of customers acted for; `self`: the platform acted for itself. */
  readonly onBehalfOf?: readonly string[];
  /** What the judge says. Nothing judges yet, so that no entry has a verdict. */
  readonly verdict?: readonly string[];
  /** Only what was in the ledger at this position: a report reads many pages and must be of one moment. */
  readonly upTo?: number;
}

export interface Page {
  readonly limit: number;
  readonly cursor: string | null;
}

/** How the platform itself is named among those for whom it acts. */
const SELF = 'self';

type Db = Kysely<ReadModelTables>;
type RowKey = readonly [occurredAt: string, recordedAt: string, entryId: string];

/**
 * The rows of one person, newest event first; ties by time of recording, then by entry id, all descending. The page after a cursor
 * begins behind the row that the cursor names, whatever has arrived since, and whoever was linked or separated.
 *
 * @throws CursorInvalid
 */
export async function timelineRows(
  db: Db,
  filter: TimelineFilter,
  page: Page,
): Promise<{ rows: ActivityTable[]; next: string | null }> {
  const behind =
    page.cursor === null ? null : (decodeCursor(page.cursor, ['string', 'string', 'string']) as object as RowKey);
  if (filter.verdict !== undefined) return { rows: [], next: null };
  const most = page.limit + 1;
  // Each subject's rows lie in order in the index. Asked for in one statement they would be sorted, all that there are; so each is
  // asked for its newest, and these few are put in order.
  const bySubject = await Promise.all(
    [...new Set(filter.subjectIds)].map((subjectId) => rowsOfSubject(db, subjectId, filter, behind, most)),
  );
  const rows = bySubject.length === 1 ? bySubject[0]! : bySubject.flat().sort(newestFirst).slice(0, most);
  const shown = rows.slice(0, page.limit);
  const last = shown.at(-1);
  return { rows: shown, next: rows.length > page.limit && last !== undefined ? encodeCursor(keyOf(last)) : null };
}

/** How many entries there are of one subject that happened at a time or later. @param from in milliseconds */
export async function activitiesFrom(db: Db, subjectId: string, from: number): Promise<number> {
  const { count } = await db
    .selectFrom('activity')
    .select(({ fn }) => fn.countAll().as('count'))
    .where('subject_id', '=', subjectId)
    .where('occurred_at', '>=', isoTime(from))
    .executeTakeFirstOrThrow();
  return Number(count);
}

function rowsOfSubject(
  db: Db,
  subjectId: string,
  filter: TimelineFilter,
  behind: RowKey | null,
  most: number,
): Promise<ActivityTable[]> {
  let query = db.selectFrom('activity').selectAll().where('subject_id', '=', subjectId);
  const { activity, from, to, upTo, recipient, recipientClass, purpose, category, ground, producer, onBehalfOf } =
    filter;
  // In the statement itself and not as a parameter: a planner takes the partial index on disclosures only when it can see
  // that nothing else is asked for.
  if (activity?.length === 1 && activity[0] === 'disclosure')
    query = query.where('activity', '=', sql.lit('disclosure'));
  else if (activity !== undefined) query = query.where('activity', 'in', [...activity]);
  if (from !== undefined) query = query.where('occurred_at', '>=', from);
  if (to !== undefined) query = query.where('occurred_at', '<', to);
  if (upTo !== undefined) query = query.where('position', '<=', upTo);
  if (recipient !== undefined) query = query.where('recipient_id', 'in', [...recipient]);
  if (recipientClass !== undefined) query = query.where('recipient_class', 'in', [...recipientClass]);
  if (purpose !== undefined) query = query.where('purpose', 'in', [...purpose]);
  if (ground !== undefined) query = query.where('ground', 'in', [...ground]);
  if (producer !== undefined) query = query.where('producer', 'in', [...producer]);
  if (onBehalfOf !== undefined) {
    const customers = onBehalfOf.filter((id) => id !== SELF);
    query = query.where((eb) =>
      eb.or([
        ...(customers.length > 0 ? [eb('on_behalf_of', 'in', customers)] : []),
        ...(customers.length < onBehalfOf.length ? [eb('on_behalf_of', 'is', null)] : []),
      ]),
    );
  }
  if (category !== undefined) {
    query = query.where((eb) => eb.or(category.map((key) => eb('categories', 'like', `%|${key}|%`))));
  }
  if (behind !== null) {
    query = query.where((eb) => eb(eb.refTuple('occurred_at', 'recorded_at', 'entry_id'), '<', eb.tuple(...behind)));
  }
  return query
    .orderBy('occurred_at', 'desc')
    .orderBy('recorded_at', 'desc')
    .orderBy('entry_id', 'desc')
    .limit(most)
    .execute();
}

function keyOf({ occurred_at, recorded_at, entry_id }: ActivityTable): RowKey {
  return [occurred_at, recorded_at, entry_id];
}

/** As the databases sort them, by bytes: none of these has a letter beyond ASCII. */
function newestFirst(one: ActivityTable, other: ActivityTable): number {
  const a = keyOf(one);
  const b = keyOf(other);
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return a[i]! < b[i]! ? 1 : -1;
  return 0;
}

import { sql, type Kysely } from 'kysely';
import { isAmong } from '@sijill/platform';
import type { ReadModelTables } from '../tables.js';
import type { Standing } from './table.js';
import { decodeCursor, encodeCursor } from '../cursor.js';

export interface EntryPlace {
  readonly lane: string;
  readonly revision: number;
  readonly subjectId: string | null;
  readonly type: string;
}

/** Where an entry stands, or null. */
export async function locateEntry(db: Kysely<ReadModelTables>, entryId: string): Promise<EntryPlace | null> {
  const row = await db
    .selectFrom('entry')
    .select(['lane', 'revision', 'subject_id', 'type'])
    .where('entry_id', '=', entryId)
    .executeTakeFirst();
  return row === undefined
    ? null
    : { lane: row.lane, revision: row.revision, subjectId: row.subject_id, type: row.type };
}

/** Which of the events are in the catalogue, in the order of the question. */
export async function knownEvents(
  db: Kysely<ReadModelTables>,
  keys: readonly { source: string; eventId: string }[],
): Promise<boolean[]> {
  const found = new Set<string>();
  const bySource = new Map<string, string[]>();
  for (const { source, eventId } of keys) {
    const ids = bySource.get(source);
    if (ids === undefined) bySource.set(source, [eventId]);
    else ids.push(eventId);
  }
  for (const [source, ids] of bySource) {
    const rows = await db
      .selectFrom('event')
      .select('event_id')
      .where('source', '=', source)
      .where(isAmong(db, 'event_id', ids))
      .execute();
    for (const row of rows) found.add(`${source}\0${row.event_id}`);
  }
  return keys.map(({ source, eventId }) => found.has(`${source}\0${eventId}`));
}

export interface DuplicateView {
  readonly source: string;
  readonly eventId: string;
  readonly kind: 'repeat' | 'conflict';
  readonly entryId: string;
  readonly firstEntryId: string;
  readonly recordedAt: string;
}

/** Entries that do not count because their event had come before, newest first. */
export async function duplicates(
  db: Kysely<ReadModelTables>,
  page: { limit: number; cursor: string | null },
): Promise<{ items: DuplicateView[]; next: string | null }> {
  let query = db
    .selectFrom('entry')
    .select(['position', 'source', 'event_id', 'standing', 'entry_id', 'first_entry_id', 'recorded_at'])
    // Literals, so that planners see that the partial index on duplicates holds all of them.
    .where('standing', 'in', [sql.lit<Standing>('repeat'), sql.lit<Standing>('conflict')])
    .orderBy('position', 'desc')
    .limit(page.limit + 1);
  if (page.cursor !== null) query = query.where('position', '<', decodeCursor(page.cursor, ['number'])[0] as number);
  const rows = await query.execute();
  const items = rows.slice(0, page.limit);
  return {
    items: items.map((row) => ({
      source: row.source!,
      eventId: row.event_id!,
      kind: row.standing as 'repeat' | 'conflict',
      entryId: row.entry_id,
      firstEntryId: row.first_entry_id!,
      recordedAt: row.recorded_at,
    })),
    next: rows.length > page.limit ? encodeCursor([items.at(-1)!.position]) : null,
  };
}

import type { Kysely } from 'kysely';
import { decodeCursor, encodeCursor } from '../cursor.js';
import type { ReadModelTables } from '../tables.js';

export interface QuarantineView {
  readonly entryId: string;
  readonly recordedAt: string;
  readonly lane: string;
  readonly topic: string | null;
  readonly partition: number | null;
  readonly offset: number | null;
  readonly reason: { readonly code: string; readonly message: string };
  /** Bytes of the raw value. */
  readonly size: number;
  readonly source: string | null;
  readonly eventId: string | null;
  readonly replayedAs: string | null;
}

/** What is in quarantine, newest first. */
export async function quarantined(
  db: Kysely<ReadModelTables>,
  page: { limit: number; cursor: string | null },
): Promise<{ items: QuarantineView[]; next: string | null }> {
  let query = db
    .selectFrom('quarantine')
    .selectAll()
    .orderBy('position', 'desc')
    .limit(page.limit + 1);
  if (page.cursor !== null) query = query.where('position', '<', decodeCursor(page.cursor, ['number'])[0] as number);
  const rows = await query.execute();
  const items = rows.slice(0, page.limit);
  return {
    items: items.map((row) => ({
      entryId: row.entry_id,
      recordedAt: row.recorded_at,
      lane: row.lane,
      topic: row.topic,
      partition: row.partition,
      offset: row.offset,
      reason: { code: row.code, message: row.message },
      size: row.size,
      source: row.source,
      eventId: row.event_id,
      replayedAs: row.replayed_as,
    })),
    next: rows.length > page.limit ? encodeCursor([items.at(-1)!.position]) : null,
  };
}

/** What a quarantine entry was replayed as, or null. */
export async function replayOf(db: Kysely<ReadModelTables>, entryId: string): Promise<string | null> {
  const row = await db
    .selectFrom('quarantine')
    .select('replayed_as')
    .where('entry_id', '=', entryId)
    .executeTakeFirst();
  return row?.replayed_as ?? null;
}

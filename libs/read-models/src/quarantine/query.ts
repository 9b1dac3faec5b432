import type { Kysely } from 'kysely';
import { decodeCursor, encodeCursor } from '../cursor.js';
import type { OpenerFor } from '../opening.js';
import type { ReadModelTables } from '../tables.js';
import { IDENTITY_PART } from './project.js';

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
  /** Null where they could not be read, where nobody opened them, and once the record's key was destroyed. */
  readonly source: string | null;
  readonly eventId: string | null;
  readonly replayedAs: string | null;
}

/**
 * What is in quarantine, newest first.
 *
 * @param openerFor null: for a reader who is not shown which events they were
 * @throws CursorInvalid
 */
export async function quarantined(
  db: Kysely<ReadModelTables>,
  page: { limit: number; cursor: string | null },
  openerFor: OpenerFor | null,
): Promise<{ items: QuarantineView[]; next: string | null }> {
  let query = db
    .selectFrom('quarantine')
    .selectAll()
    .orderBy('position', 'desc')
    .limit(page.limit + 1);
  if (page.cursor !== null) query = query.where('position', '<', decodeCursor(page.cursor, ['number'])[0] as number);
  const rows = await query.execute();
  const shown = rows.slice(0, page.limit);
  const opener = await openerFor?.(shown.flatMap(({ identity }) => identity ?? []));
  const items = shown.map((row): QuarantineView => {
    const identity = row.identity === null ? null : opener?.open(row.entry_id, IDENTITY_PART, row.identity);
    return {
      entryId: row.entry_id,
      recordedAt: row.recorded_at,
      lane: row.lane,
      topic: row.topic,
      partition: row.partition,
      offset: row.offset,
      reason: { code: row.code, message: row.message },
      size: row.size,
      source: identity?.source ?? null,
      eventId: identity?.eventId ?? null,
      replayedAs: row.replayed_as,
    };
  });
  return { items, next: rows.length > page.limit ? encodeCursor([shown.at(-1)!.position]) : null };
}

/** Whether an entry is one in quarantine. */
export async function isQuarantined(db: Kysely<ReadModelTables>, entryId: string): Promise<boolean> {
  const row = await db.selectFrom('quarantine').select('entry_id').where('entry_id', '=', entryId).executeTakeFirst();
  return row !== undefined;
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

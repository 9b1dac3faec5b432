import { sql, type Kysely } from 'kysely';
import { isAmong } from '@sijill/platform';
import type { ReadModelTables } from '../tables.js';
import { decodeCursor, encodeCursor } from '../cursor.js';
import { keysByGeneration, nameOf, type EventKey } from './event-key.js';
import type { Standing } from './table.js';

export interface EntryPlace {
  readonly lane: string;
  readonly revision: number;
  readonly position: number;
  readonly subjectId: string | null;
  readonly type: string;
}

/** Where an entry stands, or null. */
export async function locateEntry(db: Kysely<ReadModelTables>, entryId: string): Promise<EntryPlace | null> {
  const row = await db
    .selectFrom('entry')
    .select(['lane', 'revision', 'position', 'subject_id', 'type'])
    .where('entry_id', '=', entryId)
    .executeTakeFirst();
  return row === undefined
    ? null
    : { lane: row.lane, revision: row.revision, position: row.position, subjectId: row.subject_id, type: row.type };
}

/** Which of the events are in the catalogue, in the order of the question. */
export async function knownEvents(db: Kysely<ReadModelTables>, keys: readonly EventKey[]): Promise<boolean[]> {
  const found = new Set<string>();
  for (const [generation, tags] of keysByGeneration(keys)) {
    const rows = await db
      .selectFrom('event')
      .select('tag')
      .where('generation', '=', generation)
      .where(isAmong(db, 'tag', tags))
      .execute();
    for (const { tag } of rows) found.add(nameOf({ generation, tag }));
  }
  return keys.map((key) => found.has(nameOf(key)));
}

/** An entry whose event's identity had been used before. */
export interface Duplicate {
  readonly position: number;
  readonly lane: string;
  readonly revision: number;
  readonly producer: string | null;
  readonly source: string | null;
  readonly kind: 'repeat' | 'conflict';
  readonly entryId: string;
  /** Of a repeat: the entry that said the same of the same person first. Of a conflict: the first entry of that identity. */
  readonly firstEntryId: string;
  readonly recordedAt: string;
}

/** Repeats and conflicts, newest first. @throws CursorInvalid */
export async function duplicates(
  db: Kysely<ReadModelTables>,
  page: { limit: number; cursor: string | null },
): Promise<{ items: Duplicate[]; next: string | null }> {
  let query = db
    .selectFrom('entry')
    .select([
      'position',
      'lane',
      'revision',
      'producer',
      'source',
      'standing',
      'entry_id',
      'first_entry_id',
      'recorded_at',
    ])
    // Literals, so that planners see that the partial index on duplicates holds all of them.
    .where('standing', 'in', [sql.lit<Standing>('repeat'), sql.lit<Standing>('conflict')])
    .orderBy('position', 'desc')
    .limit(page.limit + 1);
  if (page.cursor !== null) query = query.where('position', '<', decodeCursor(page.cursor, ['number'])[0] as number);
  const rows = await query.execute();
  const items = rows.slice(0, page.limit);
  return {
    items: items.map((row) => ({
      position: row.position,
      lane: row.lane,
      revision: row.revision,
      producer: row.producer,
      source: row.source,
      kind: row.standing as 'repeat' | 'conflict',
      entryId: row.entry_id,
      firstEntryId: row.first_entry_id!,
      recordedAt: row.recorded_at,
    })),
    next: rows.length > page.limit ? encodeCursor([items.at(-1)!.position]) : null,
  };
}

import type { Kysely } from 'kysely';
import { LaneRevisions, type Place } from '@sijill/event-store';
import { KEPT_SINCE, type ReadModelTables } from './tables.js';

/**
 * Holds entries against the ends of their lanes, and moves these, in the transaction that projects them.
 *
 * @param entries in the order of the store, behind all that were held against them before
 * @throws LaneGap entries are missing before one of these
 */
export async function followLanes(
  trx: Kysely<ReadModelTables>,
  entries: readonly Pick<Place, 'stream' | 'revision'>[],
): Promise<void> {
  if (entries.length === 0) return;
  const lanes = [...new Set(entries.map(({ stream }) => stream))];
  const rows = await trx
    .selectFrom('lane_end')
    .selectAll()
    .where('lane', 'in', [KEPT_SINCE, ...lanes])
    .execute();
  const since = rows.find(({ lane }) => lane === KEPT_SINCE)!.revision;
  const ends = rows.map(({ lane, revision }) => [lane, revision] as const);
  const moved = new LaneRevisions(ends, since === 0).take(entries);
  const values = [...moved].map(([lane, revision]) => ({ lane, revision }));
  if (values.length === 0) return;
  await trx
    .insertInto('lane_end')
    .values(values)
    .onConflict((conflict) =>
      conflict.column('lane').doUpdateSet(({ ref }) => ({ revision: ref('excluded.revision') })),
    )
    .execute();
}

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
  await keepLanes(trx, moved);
}

/** Takes ends of lanes for known: of each lane the further one holds. */
export async function keepLanes(
  trx: Kysely<ReadModelTables>,
  ends: Iterable<readonly [lane: string, revision: number]>,
): Promise<void> {
  const values = [...ends].map(([lane, revision]) => ({ lane, revision }));
  for (let from = 0; from < values.length; from += LANES_AT_ONCE)
    await trx
      .insertInto('lane_end')
      .values(values.slice(from, from + LANES_AT_ONCE))
      .onConflict((conflict) =>
        conflict
          .column('lane')
          .doUpdateSet(({ ref }) => ({ revision: ref('excluded.revision') }))
          .whereRef('lane_end.revision', '<', 'excluded.revision' as 'lane_end.revision'),
      )
      .execute();
}

/** Two parameters each, and SQLite takes 32,766. */
const LANES_AT_ONCE = 5_000;

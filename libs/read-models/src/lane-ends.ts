import type { QueryExecutorProvider } from 'kysely';
import { LaneEnds, type Place } from '@sijill/event-store';

/** How far each lane has been read, committed with the positions: a gap behind it is an entry that nobody has projected. */
export const laneEnds = new LaneEnds('lane_end');

/**
 * Holds entries against the ends of their lanes, and moves these, in the transaction that projects them.
 *
 * @param entries in the order of the store, behind all that were held against them before
 * @throws LaneGap entries are missing before one of these
 */
export async function followLanes(
  trx: QueryExecutorProvider,
  entries: readonly Pick<Place, 'stream' | 'revision'>[],
): Promise<void> {
  if (entries.length === 0) return;
  const revisions = await laneEnds.revisions(trx, [...new Set(entries.map(({ stream }) => stream))]);
  await laneEnds.keep(trx, revisions.take(entries));
}

import { ledgerEntry, type NewEntry } from '@sijill/event-store';
import type { Clock } from '@sijill/platform';
import type { Partition } from './partition-lane.js';

export const RECORDS_MISSED = 'sijill.records.missed.v1';

/**
 * The entry that stands in a lane for records that were gone from their partition before they could be read, because the topic's
 * retention had passed or somebody deleted them. What they held nobody knows; that they are missing must be as plain as what is
 * there. It carries the last missing offset, so the lane goes on behind it.
 *
 * @param from the first offset that is missing
 * @param to   the first that is there again
 */
export function missedRecords(
  { cluster, topic, partition }: Partition,
  from: number,
  to: number,
  clock: Clock,
): NewEntry {
  const data = { cluster, topic, partition, from, to, count: to - from, cause: 'retention' };
  const kafka = { cluster, topic, partition, offset: to - 1 };
  return ledgerEntry(RECORDS_MISSED, clock.now(), data, { metadata: { kafka } });
}

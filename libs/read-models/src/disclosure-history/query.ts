import type { Kysely } from 'kysely';
import type { Disclosure } from '@sijill/contracts';
import { timelineRows, type Page, type TimelineFilter } from '../activity-timeline/query.js';
import { openerForRows } from '../activity-timeline/sealed-row.js';
import type { OpenerFor } from '../opening.js';
import type { ReadModelTables } from '../tables.js';
import { disclosureView, withoutReferences } from './view.js';

/** Who reads: what was sealed is opened for both, references and ids of events for an officer only. */
export type HistoryReader = 'officer' | 'regulator';

/**
 * The disclosure history of one person: the disclosures of the timeline beneath it, newest first.
 *
 * @throws CursorInvalid
 */
export async function disclosureHistory(
  db: Kysely<ReadModelTables>,
  openerFor: OpenerFor,
  filter: Omit<TimelineFilter, 'activity'>,
  page: Page,
  reader: HistoryReader = 'officer',
): Promise<{ items: Disclosure[]; next: string | null }> {
  const { rows, next } = await timelineRows(db, { ...filter, activity: ['disclosure'] }, page);
  const opener = await openerForRows(rows, openerFor);
  const items = rows.map((row) => disclosureView(row, opener));
  return { items: reader === 'officer' ? items : items.map(withoutReferences), next };
}

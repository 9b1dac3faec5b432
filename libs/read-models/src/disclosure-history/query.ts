import { setImmediate as nextTurn } from 'node:timers/promises';
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

/** A disclosure, and where in the store it stands. */
export interface PlacedDisclosure {
  readonly position: number;
  readonly disclosure: Disclosure;
}

const PAGE = 200;

/**
 * The whole disclosure history of one person as an officer gets it, newest first. It is read in pages: no more than
 * one is kept, and between two of them others have their turn.
 */
export async function* wholeDisclosureHistory(
  db: Kysely<ReadModelTables>,
  openerFor: OpenerFor,
  filter: Omit<TimelineFilter, 'activity'>,
): AsyncGenerator<PlacedDisclosure> {
  for (let cursor: string | null = null; ;) {
    const { rows, next } = await timelineRows(db, { ...filter, activity: ['disclosure'] }, { limit: PAGE, cursor });
    const opener = await openerForRows(rows, openerFor);
    for (const row of rows) yield { position: row.position, disclosure: disclosureView(row, opener) };
    if (next === null) return;
    cursor = next;
    await nextTurn();
  }
}

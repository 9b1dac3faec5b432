import { activityOf, PRODUCER_EVENT_TYPES } from '@sijill/contracts';
import type { JsonObject, StoredEntry } from '@sijill/event-store';
import type { Standings } from '../entries/project.js';
import type { Target } from '../rows.js';
import type { ActivityTable } from './table.js';

const PRODUCER_TYPES: ReadonlySet<string> = new Set(PRODUCER_EVENT_TYPES);

/** Writes the counted entries of a batch into their subjects' timelines. */
export async function projectActivities(
  target: Target,
  batch: readonly StoredEntry[],
  standings: Standings,
): Promise<void> {
  const rows: ActivityTable[] = [];
  for (const entry of batch) {
    if (standings.get(entry.id) !== 'first' || !PRODUCER_TYPES.has(entry.type)) continue;
    if (typeof entry.data['subjectId'] === 'string') rows.push(activityRow(entry, entry.data['subjectId']));
  }
  await target.insert('activity', rows);
}

function activityRow(entry: StoredEntry, subjectId: string): ActivityTable {
  const { subjectId: _, sealed, ...data } = entry.data as JsonObject & { recipient?: JsonObject; occurredAt: string };
  const meta = entry.metadata as { recordedAt: string; producer: string | null; source: string; eventId: string };
  const categories = (data['dataCategories'] as string[] | undefined) ?? [];
  const recipient = data.recipient;
  const body = {
    ...data,
    ...(recipient === undefined ? {} : { recipient: { capacity: null, country: null, ...recipient } }),
    recordedAt: meta.recordedAt,
    producer: meta.producer,
    source: meta.source,
    eventId: meta.eventId,
    // Only whether there is a sealed part; whether it can still be opened is the vault's to say.
    hasSealed: sealed !== undefined,
  };
  return {
    entry_id: entry.id,
    position: entry.position,
    subject_id: subjectId,
    activity: activityOf(entry.type),
    type: entry.type,
    occurred_at: data.occurredAt,
    recorded_at: meta.recordedAt,
    recipient_id: (recipient?.['id'] as string | undefined) ?? null,
    recipient_class: (recipient?.['class'] as string | undefined) ?? null,
    purpose: (data['purpose'] as string | undefined) ?? null,
    categories: categories.length === 0 ? '' : `|${categories.join('|')}|`,
    body: JSON.stringify(body),
  };
}

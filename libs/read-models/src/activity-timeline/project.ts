import { activityOf, PRODUCER_EVENT_TYPES } from '@sijill/contracts';
import type { JsonObject, StoredEntry } from '@sijill/event-store';
import { canonicalJson } from '@sijill/transparency';
import type { Standings } from '../entries/project.js';
import type { Standing } from '../entries/table.js';
import type { Batch } from '../read-model.js';
import type { Target } from '../target.js';
import type { ActivityTable, ActivityTables } from './table.js';

const PRODUCER_TYPES: ReadonlySet<string> = new Set(PRODUCER_EVENT_TYPES);

/**
 * The parts that readers of a history are shown something of. Who acted (`staff`) and free details (`shared`) are in no list, and so
 * are not kept here.
 */
const SHOWN_PARTS = ['subject'];

/** Writes the entries of a batch into their subjects' timelines: the first of each event, and conflicts. Repeats are in none. */
export async function projectActivities(
  target: Target<ActivityTables>,
  batch: Batch,
  standings: Standings,
): Promise<void> {
  const rows: ActivityTable[] = [];
  for (const entry of batch) {
    const standing = standings.get(entry.id);
    if (standing === undefined || standing === 'repeat' || !PRODUCER_TYPES.has(entry.type)) continue;
    if (typeof entry.data['subjectId'] === 'string') rows.push(activityRow(entry, entry.data['subjectId'], standing));
  }
  await target.insert('activity', rows);
}

function activityRow(entry: StoredEntry, subjectId: string, standing: Standing): ActivityTable {
  // Hashes of the sealed parts tell a reader nothing.
  const { subjectId: _, sealed: __, ...data } = entry.data;
  const { recordedAt, producer = null, source = null } = entry.metadata as { recordedAt: string } & JsonObject;
  const categories = (data['dataCategories'] as string[] | undefined) ?? [];
  const recipient = data['recipient'] as JsonObject | undefined;
  const shown = SHOWN_PARTS.flatMap((part) => (part in entry.sealed ? [[part, entry.sealed[part]!] as const] : []));
  return {
    entry_id: entry.id,
    position: entry.position,
    subject_id: subjectId,
    activity: activityOf(entry.type),
    type: entry.type,
    occurred_at: data['occurredAt'] as string,
    recorded_at: recordedAt,
    standing,
    producer: producer as string | null,
    on_behalf_of: textOf((data['onBehalfOf'] as JsonObject | undefined)?.['id']),
    ground: textOf(data['ground']),
    recipient_id: textOf(recipient?.['id']),
    recipient_class: textOf(recipient?.['class']),
    purpose: textOf(data['purpose']),
    categories: categories.length === 0 ? '' : `|${categories.join('|')}|`,
    body: canonicalJson({ data, source, wasSealed: shown.length > 0 }),
    sealed: shown.length === 0 ? null : canonicalJson(Object.fromEntries(shown)),
  };
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

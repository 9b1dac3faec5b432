import type { Transaction } from 'kysely';
import type { StoredEntry } from '@sijill/event-store';
import { insertRows, isAmong } from '../rows.js';
import type { ReadModelTables } from '../tables.js';
import type { EntryTable, EventTable, Standing } from './table.js';

/** What the entry of a producer's event counts as; null for the ledger's own entries. */
export type Standings = ReadonlyMap<string, Standing>;

/**
 * Writes a batch into the entry catalogue and decides which entries count.
 *
 * The first occurrence of an event in the order of the store counts, whole: an entry counts when its event was not seen before,
 * or when it is the next missing part of the same content. So a repeat sent after an event was cut in the middle completes it,
 * and nothing is counted twice.
 */
export async function projectEntries(
  trx: Transaction<ReadModelTables>,
  batch: readonly StoredEntry[],
): Promise<Standings> {
  const events = await eventsOf(trx, batch);
  const changed = new Set<EventTable>();
  const made = new Set<EventTable>();
  const standings = new Map<string, Standing>();
  const rows = batch.map((entry): EntryTable => {
    const meta = entry.metadata as {
      source?: string;
      eventId?: string;
      digest?: string;
      recordedAt: string;
      part?: { index: number; of: number };
    };
    const row: EntryTable = {
      entry_id: entry.id,
      position: entry.position,
      lane: entry.stream,
      revision: entry.revision,
      type: entry.type,
      subject_id: (entry.data['subjectId'] as string | undefined) ?? null,
      source: meta.source ?? null,
      event_id: meta.eventId ?? null,
      standing: null,
      first_entry_id: null,
      recorded_at: meta.recordedAt,
    };
    if (meta.source === undefined || meta.eventId === undefined || meta.digest === undefined) return row;

    const key = keyOf(meta.source, meta.eventId);
    const part = meta.part ?? { index: 0, of: 1 };
    const event = events.get(key);
    if (event === undefined) {
      const first: EventTable = {
        source: meta.source,
        event_id: meta.eventId,
        first_entry_id: entry.id,
        digest: meta.digest,
        parts_seen: 1,
        parts_of: part.of,
      };
      events.set(key, first);
      made.add(first);
      row.standing = 'first';
    } else {
      const same = event.digest === meta.digest;
      const continues = same && part.index === event.parts_seen && part.index < event.parts_of;
      if (continues) {
        event.parts_seen++;
        changed.add(event);
      }
      row.standing = continues ? 'first' : same ? 'repeat' : 'conflict';
      row.first_entry_id = event.first_entry_id;
    }
    standings.set(entry.id, row.standing);
    return row;
  });
  await insertRows(trx, 'entry', rows);
  await insertRows(trx, 'event', [...made]);
  for (const event of changed) {
    if (made.has(event)) continue;
    await trx
      .updateTable('event')
      .set({ parts_seen: event.parts_seen })
      .where('source', '=', event.source)
      .where('event_id', '=', event.event_id)
      .execute();
  }
  return standings;
}

async function eventsOf(
  trx: Transaction<ReadModelTables>,
  batch: readonly StoredEntry[],
): Promise<Map<string, EventTable>> {
  const bySource = new Map<string, Set<string>>();
  for (const { metadata } of batch) {
    const { source, eventId } = metadata as { source?: string; eventId?: string };
    if (source === undefined || eventId === undefined) continue;
    bySource.set(source, (bySource.get(source) ?? new Set()).add(eventId));
  }
  const events = new Map<string, EventTable>();
  for (const [source, ids] of bySource) {
    const rows = await trx
      .selectFrom('event')
      .selectAll()
      .where('source', '=', source)
      .where(isAmong(trx, 'event_id', [...ids]))
      .execute();
    for (const row of rows) events.set(keyOf(row.source, row.event_id), row);
  }
  return events;
}

function keyOf(source: string, eventId: string): string {
  return `${source}\0${eventId}`;
}

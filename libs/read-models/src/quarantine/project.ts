import type { StoredEntry } from '@sijill/event-store';
import type { Target } from '../rows.js';
import type { QuarantineTable } from './table.js';

const QUARANTINED = 'sijill.entry.quarantined.v1';

/** PostgreSQL has no NUL in a text. An entry is there for ever, so that nothing in one may keep the projection from going on. */
function storable(text: string | null): string | null {
  return text?.replaceAll('\u0000', '\ufffd') ?? null;
}

/** Lists quarantine entries, and notes on them what they were replayed as. */
export async function projectQuarantine(target: Target, batch: readonly StoredEntry[]): Promise<void> {
  for (const entry of batch) {
    const meta = entry.metadata as {
      recordedAt: string;
      kafka?: { topic: string; partition: number; offset: number };
      part?: { index: number };
      replayOf?: string;
    };
    if (meta.replayOf !== undefined && (meta.part?.index ?? 0) === 0) {
      await target.db
        .updateTable('quarantine')
        .set({ replayed_as: entry.id })
        .where('entry_id', '=', meta.replayOf)
        .where('replayed_as', 'is', null)
        .execute();
    }
    // The first part of a large record speaks for all of them.
    if (entry.type !== QUARANTINED || (meta.part?.index ?? 0) > 0) continue;
    const data = entry.data as {
      reason: { code: string; message: string };
      size: number;
      source: string | null;
      eventId: string | null;
    } & StoredEntry['data'];
    const row: QuarantineTable = {
      entry_id: entry.id,
      position: entry.position,
      recorded_at: meta.recordedAt,
      lane: entry.stream,
      topic: meta.kafka?.topic ?? null,
      partition: meta.kafka?.partition ?? null,
      offset: meta.kafka?.offset ?? null,
      code: data.reason.code,
      message: data.reason.message,
      size: data.size,
      source: storable(data.source),
      event_id: storable(data.eventId),
      replayed_as: null,
    };
    await target.insert('quarantine', [row]);
  }
}

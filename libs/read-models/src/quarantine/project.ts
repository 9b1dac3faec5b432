import type { Batch } from '../read-model.js';
import type { Target } from '../target.js';
import type { QuarantineTable, QuarantineTables } from './table.js';

const QUARANTINED = 'sijill.entry.quarantined.v1';

/** The part of a quarantine entry that says which event it may have been. */
export const IDENTITY_PART = 'identity';

interface QuarantineHead {
  readonly recordedAt: string;
  readonly kafka?: { readonly topic: string; readonly partition: number; readonly offset: number };
  readonly part?: { readonly index: number };
  readonly replayOf?: string;
}

/** PostgreSQL has no NUL in a text. An entry is there for ever, so that nothing in one may keep the projection from going on. */
function storable(text: string): string {
  return text.replaceAll('\u0000', '\ufffd');
}

/** Lists quarantine entries, and notes on them what they were replayed as. */
export async function projectQuarantine(target: Target<QuarantineTables>, batch: Batch): Promise<void> {
  for (const entry of batch) {
    const head = entry.metadata as object as QuarantineHead;
    const speaks = (head.part?.index ?? 0) === 0;
    if (head.replayOf !== undefined && speaks) {
      await target.db
        .updateTable('quarantine')
        .set({ replayed_as: entry.id })
        .where('entry_id', '=', head.replayOf)
        .where('replayed_as', 'is', null)
        .execute();
    }
    // The first part of a large record speaks for all of them.
    if (entry.type !== QUARANTINED || !speaks) continue;
    const data = entry.data as object as { reason: { code: string; message: string }; size: number };
    const row: QuarantineTable = {
      entry_id: entry.id,
      position: entry.position,
      recorded_at: head.recordedAt,
      lane: entry.stream,
      topic: head.kafka?.topic ?? null,
      partition: head.kafka?.partition ?? null,
      offset: head.kafka?.offset ?? null,
      code: data.reason.code,
      message: storable(data.reason.message),
      size: data.size,
      identity: entry.sealed[IDENTITY_PART] ?? null,
      replayed_as: null,
    };
    await target.insert('quarantine', [row]);
  }
}

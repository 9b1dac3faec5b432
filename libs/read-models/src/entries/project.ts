import type { Kysely } from 'kysely';
import type { StoredEntry } from '@sijill/event-store';
import { isAmong } from '@sijill/platform';
import type { Target } from '../rows.js';
import type { ReadModelTables } from '../tables.js';
import type { EntryTable, EventTable, Standing } from './table.js';

/** What the entry of a producer's event counts as; null for the ledger's own entries. */
export type Standings = ReadonlyMap<string, Standing>;

/** One entry of a producer's event, on its way to a standing. */
interface Occurrence {
  readonly row: EntryTable;
  readonly digest: string;
  readonly part: { readonly index: number; readonly of: number };
}

/** The entries of a batch that say they are the same event. */
interface Claim {
  readonly source: string;
  readonly eventId: string;
  readonly occurrences: Occurrence[];
}

const WHOLE = { index: 0, of: 1 };

/**
 * Writes a batch into the entry catalogue and decides which entries count.
 *
 * The first occurrence of an event in the order of the store counts, whole: an entry counts when its event was not seen before,
 * or when it is the next missing part of the same content. So a repeat sent after an event was cut in the middle completes it,
 * and nothing is counted twice.
 */
export async function projectEntries(target: Target, batch: readonly StoredEntry[]): Promise<Standings> {
  const rows: EntryTable[] = [];
  const claims = new Map<string, Claim>();
  for (const entry of batch) {
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
    rows.push(row);
    if (meta.source === undefined || meta.eventId === undefined || meta.digest === undefined) continue;
    const key = keyOf(meta.source, meta.eventId);
    let claim = claims.get(key);
    if (claim === undefined) claims.set(key, (claim = { source: meta.source, eventId: meta.eventId, occurrences: [] }));
    claim.occurrences.push({ row, digest: meta.digest, part: meta.part ?? WHOLE });
  }

  // Nearly all events are new. So they are written as new, and only where some were there before is anything read.
  const events = [...claims.values()].map((claim) => judge(claim, null));
  if ((await target.insertNew('event', events)) < events.length) await judgeKnown(target.db, claims);
  await target.insert('entry', rows);
  return new Map(rows.flatMap(({ entry_id, standing }) => (standing === null ? [] : [[entry_id, standing]])));
}

/** Judges again those events that were known before this batch, and notes which of their parts are here now. */
async function judgeKnown(db: Kysely<ReadModelTables>, claims: ReadonlyMap<string, Claim>): Promise<void> {
  for (const known of await eventsOf(db, claims)) {
    const claim = claims.get(keyOf(known.source, known.event_id))!;
    if (known.first_entry_id === claim.occurrences[0]!.row.entry_id) continue;
    const { parts_seen } = judge(claim, known);
    if (parts_seen === known.parts_seen) continue;
    await db
      .updateTable('event')
      .set({ parts_seen })
      .where('source', '=', known.source)
      .where('event_id', '=', known.event_id)
      .execute();
  }
}

/** Gives the occurrences their standing, in their order, and returns the event as it is behind them. */
function judge({ source, eventId, occurrences }: Claim, known: EventTable | null): EventTable {
  let event = known === null ? null : { ...known };
  for (const { row, digest, part } of occurrences) {
    if (event === null) {
      event = {
        source,
        event_id: eventId,
        first_entry_id: row.entry_id,
        digest,
        parts_seen: 1,
        parts_of: part.of,
      };
      row.standing = 'first';
      continue;
    }
    const same = event.digest === digest;
    const continues = same && part.index === event.parts_seen && part.index < event.parts_of;
    if (continues) event.parts_seen++;
    row.standing = continues ? 'first' : same ? 'repeat' : 'conflict';
    row.first_entry_id = event.first_entry_id;
  }
  return event!;
}

async function eventsOf(db: Kysely<ReadModelTables>, claims: ReadonlyMap<string, Claim>): Promise<EventTable[]> {
  const bySource = new Map<string, string[]>();
  for (const { source, eventId } of claims.values()) {
    const ids = bySource.get(source);
    if (ids === undefined) bySource.set(source, [eventId]);
    else ids.push(eventId);
  }
  const events: EventTable[] = [];
  for (const [source, ids] of bySource)
    events.push(
      ...(await db
        .selectFrom('event')
        .selectAll()
        .where('source', '=', source)
        .where(isAmong(db, 'event_id', ids))
        .execute()),
    );
  return events;
}

/** What was decided about entries that were projected before. */
export async function standingsOf(db: Kysely<ReadModelTables>, batch: readonly StoredEntry[]): Promise<Standings> {
  const ids = batch.map(({ id }) => id);
  const rows = await db
    .selectFrom('entry')
    .select(['entry_id', 'standing'])
    .where(isAmong(db, 'entry_id', ids))
    .execute();
  return new Map(rows.flatMap(({ entry_id, standing }) => (standing === null ? [] : [[entry_id, standing]])));
}

function keyOf(source: string, eventId: string): string {
  return `${source}\0${eventId}`;
}

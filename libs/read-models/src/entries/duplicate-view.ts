import type { EventStore, StoredEntry } from '@sijill/event-store';
import type { OpenerFor } from '../opening.js';
import type { Duplicate } from './query.js';

export interface DuplicateView {
  readonly producer: string | null;
  readonly source: string | null;
  /** Null where nobody opened it, and after an erasure. */
  readonly eventId: string | null;
  readonly kind: 'repeat' | 'conflict';
  readonly entryId: string;
  readonly firstEntryId: string;
  readonly recordedAt: string;
}

/** The parts that an event's id may be sealed in: of whom it is about, or the ledger's where it is about nobody. */
const PARTS = ['subject', 'ledger'];

// Each is a read of its own; of a store that is far away, so many are asked for at once.
const READS_AT_ONCE = 16;

/**
 * Duplicates as readers get them. The catalogue has no sealed text, so that the ids of the events are opened from their entries.
 *
 * @param openerFor null: for a reader who is not shown the ids
 * @throws StoreUnavailable
 */
export async function duplicateViews(
  items: readonly Duplicate[],
  store: EventStore,
  openerFor: OpenerFor | null,
): Promise<DuplicateView[]> {
  const ids = openerFor === null ? new Map<string, string>() : await eventIdsOf(items, store, openerFor);
  return items.map(({ producer, source, kind, entryId, firstEntryId, recordedAt }) => ({
    producer,
    source,
    eventId: ids.get(entryId) ?? null,
    kind,
    entryId,
    firstEntryId,
    recordedAt,
  }));
}

async function eventIdsOf(
  items: readonly Duplicate[],
  store: EventStore,
  openerFor: OpenerFor,
): Promise<ReadonlyMap<string, string>> {
  const entries: StoredEntry[] = [];
  for (let at = 0; at < items.length; at += READS_AT_ONCE)
    entries.push(
      ...(await Promise.all(items.slice(at, at + READS_AT_ONCE).map((item) => entryAt(store, item)))).flat(),
    );
  const sealed = entries.flatMap((entry) =>
    PARTS.flatMap((part) => (part in entry.sealed ? [{ id: entry.id, part, text: entry.sealed[part]! }] : [])),
  );
  const opener = await openerFor(sealed.map(({ text }) => text));
  return new Map(
    sealed.flatMap(({ id, part, text }) => {
      const eventId = opener.open(id, part, text)?.eventId ?? null;
      return eventId === null ? [] : [[id, eventId] as const];
    }),
  );
}

/** The entry at a place of the catalogue; none where the store has lost it. */
async function entryAt(store: EventStore, { lane, revision }: Duplicate): Promise<StoredEntry[]> {
  const found: StoredEntry[] = [];
  for await (const entry of store.readStream(lane, { from: revision, limit: 1 })) found.push(entry);
  return found;
}

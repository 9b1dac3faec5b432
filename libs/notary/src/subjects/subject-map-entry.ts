import { ledgerEntry, type EntryText, type EventStore, type NewEntry, type StoredEntry } from '@sijill/event-store';
import { fromBase64, HASH_BYTES, MAP_LANE, SUBJECTS_MAPPED, toBase64 } from '@sijill/transparency';
import { entriesOfLane } from '../store-entries.js';
import type { MapHead } from './map-store.js';

/** The map as the log has it. */
export interface AnnouncedMap {
  readonly size: number;
  readonly root: Uint8Array;
  /** The entry that says so. */
  readonly entry: StoredEntry;
}

/** What the map is, as an entry of the log: how many leaves it covers, how many chains it has, its root. @param now in milliseconds */
export function mapEntry({ size, chains, root }: MapHead, now: number): NewEntry {
  const data = { chains: String(chains), root: toBase64(root), size: String(size) };
  return ledgerEntry(SUBJECTS_MAPPED, now, data);
}

/** The last map that the log has; null before the first. @throws StoreUnavailable */
export async function lastAnnounced(store: EventStore): Promise<AnnouncedMap | null> {
  for await (const map of announced(store, 'backwards')) return map;
  return null;
}

/** Every map that the log has, in order; one that is foreign it has not. @throws StoreUnavailable */
export async function* announced(
  store: EventStore,
  direction: 'forwards' | 'backwards' = 'forwards',
): AsyncGenerator<AnnouncedMap> {
  for await (const entry of entriesOfLane(store, MAP_LANE, direction)) yield announcedIn(entry);
}

/** What an entry of the map's lane says. */
export function announcedIn(entry: StoredEntry): AnnouncedMap {
  const { size, root } = entry.data;
  return { size: Number(size), root: hashOf(root), entry };
}

/**
 * Whom an entry concerns: the member `subjectId` of its data. Null when it concerns nobody, or more than the ledger can say. A foreign
 * event concerns nobody.
 */
export function subjectOf({ data, foreign }: Pick<EntryText, 'data' | 'foreign'>): string | null {
  if (foreign) return null;
  const { subjectId } = JSON.parse(data) as { subjectId?: unknown };
  return typeof subjectId === 'string' ? subjectId : null;
}

/** A root that is none is no map's. */
function hashOf(root: unknown): Uint8Array {
  try {
    const hash = fromBase64(String(root));
    return hash.length === HASH_BYTES ? hash : new Uint8Array();
  } catch {
    return new Uint8Array();
  }
}

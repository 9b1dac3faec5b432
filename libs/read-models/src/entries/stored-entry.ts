import type { Kysely } from 'kysely';
import type { SealedState } from '@sijill/contracts';
import type { EventStore, StoredEntry } from '@sijill/event-store';
import { keyIdOf } from '@sijill/vault';
import type { ReadModelTables } from '../tables.js';
import { locateEntry } from './query.js';

/** Tells which keys are still there. */
interface Keys {
  byIds(keyIds: readonly string[]): Promise<ReadonlyMap<string, unknown>>;
}

/** An entry as stored, its sealed parts closed, and whether they can still be opened. */
export interface KnownEntry {
  readonly stored: StoredEntry;
  /** That of the part of whom it is about, where it has one; `closed` as long as any part of the others can be opened. */
  readonly sealed: SealedState;
  /** Of each part. */
  readonly parts: Readonly<Record<string, Exclude<SealedState, 'none'>>>;
}

/**
 * An entry from where the catalogue says that it stands, or null.
 *
 * @throws StoreUnavailable
 */
export async function storedEntry(
  db: Kysely<ReadModelTables>,
  store: EventStore,
  keys: Keys,
  entryId: string,
): Promise<KnownEntry | null> {
  const place = await locateEntry(db, entryId);
  if (place === null) return null;
  for await (const stored of store.readStream(place.lane, { from: place.revision, limit: 1 })) {
    const keyIds = Object.entries(stored.sealed).map(([part, text]) => [part, keyIdOf(text)] as const);
    const there = await keys.byIds(keyIds.map(([, keyId]) => keyId));
    const parts = Object.fromEntries(
      keyIds.map(([part, keyId]) => [part, there.has(keyId) ? ('closed' as const) : ('destroyed' as const)]),
    );
    return { stored, parts, sealed: stateOf(parts) };
  }
  return null;
}

function stateOf(parts: KnownEntry['parts']): SealedState {
  const states = Object.values(parts);
  if (states.length === 0) return 'none';
  return parts['subject'] ?? (states.includes('closed') ? 'closed' : 'destroyed');
}

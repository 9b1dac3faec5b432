import type { EventStore, StoredEntry } from '@sijill/event-store';
import {
  formatVerifierKey,
  isSameKey,
  KEYS_LANE,
  readAnnouncement,
  type KeyAnnouncement,
  type VerifierKey,
} from '@sijill/transparency';
import { entriesOfLane } from '../store-entries.js';

/** An announcement, and where it stands in the store. */
export interface PlacedAnnouncement extends KeyAnnouncement {
  readonly position: number;
}

/** A key that a log has signed with, signs with, or is to sign with. */
export interface LogKey {
  readonly generation: number;
  readonly key: VerifierKey;
  readonly introduced: PlacedAnnouncement;
  readonly retired: PlacedAnnouncement | null;
}

/** The keys of a log cannot be changed that way; the message says what can be done. */
export class KeyChangeRefused extends Error {
  override readonly name = 'KeyChangeRefused';
}

/**
 * The keys after one more announcement: the first, with which the log begins, or one more. One key is introduced at a time, and one is
 * always left.
 *
 * @throws KeyChangeRefused
 */
export function announce(keys: readonly LogKey[], announced: PlacedAnnouncement): readonly LogKey[] {
  const { what, generation, key } = announced;
  const now = inForce(keys);
  const name = keys[0]?.key.name ?? key.name;
  if (key.name !== name) throw new KeyChangeRefused(`the key ${formatVerifierKey(key)} is not one of the log ${name}`);
  if (what === 'introduced') {
    const next = keys.length + 1;
    if (generation !== next || keys.some((other) => isSameKey(other.key, key)))
      throw new KeyChangeRefused(`the key of generation ${generation} was there before; the next one is ${next}`);
    assertOneInForce(keys);
    return [...keys, { generation, key, introduced: announced, retired: null }];
  }
  const retired = now.find((one) => one.generation === generation && isSameKey(one.key, key));
  if (retired === undefined) throw new KeyChangeRefused(`the log does not sign with a key of generation ${generation}`);
  if (now.length === 1)
    throw new KeyChangeRefused('it is the only key that the log signs with; introduce another one first');
  return keys.map((one) => (one === retired ? { ...one, retired: announced } : one));
}

/** @throws KeyChangeRefused there are two, so that none can be introduced */
export function assertOneInForce(keys: readonly LogKey[]): void {
  const generations = inForce(keys).map(({ generation }) => generation);
  if (generations.length > 1)
    throw new KeyChangeRefused(
      `the log signs with two keys already, of the generations ${generations.join(' and ')}; retire one first`,
    );
}

/** The keys that sign checkpoints which cover the store up to a position; without one, up to its end. */
export function inForce(keys: readonly LogKey[], position = Number.POSITIVE_INFINITY): LogKey[] {
  return keys.filter(({ introduced, retired }) => {
    const isRetired = retired !== null && retired.position <= position;
    return introduced.position <= position && !isRetired;
  });
}

/** @throws FormatInvalid the entry announces nothing */
export function announcementIn({
  type,
  stream: lane,
  data,
  position,
}: Pick<StoredEntry, 'type' | 'stream' | 'data' | 'position'>): PlacedAnnouncement {
  return { ...readAnnouncement({ type, lane, data }), position };
}

/** The announcements of a log, a few in all its years. @throws StoreUnavailable */
export async function announcementEntries(store: EventStore): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  for await (const entry of entriesOfLane(store, KEYS_LANE)) entries.push(entry);
  return entries;
}

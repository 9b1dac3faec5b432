import {
  appendBehind,
  laneEnd,
  ledgerEntry,
  WrongExpectedRevision,
  type EventStore,
  type LaneEnd,
} from '@sijill/event-store';
import { isoTime, type Clock } from '@sijill/platform';
import {
  formatVerifierKey,
  KEY_INTRODUCED,
  KEY_RETIRED,
  KEYS_LANE,
  utf8,
  type KeyAnnouncement,
  type Signer,
} from '@sijill/transparency';
import type { LogStore } from '../log-store.js';
import { keyOf, type LogIdentity } from './announced-signer.js';
import { announce, KeyChangeRefused, type LogKey } from './log-key.js';

/** What is to be announced of a key. */
export type KeyChange = Pick<KeyAnnouncement, 'what' | 'generation' | 'key'>;

/**
 * Announces what changes about the keys of a log, if nobody has announced anything since its end was looked at.
 *
 * @throws KeyChangeRefused
 */
export async function announceKey(
  store: EventStore,
  end: LaneEnd,
  keys: readonly LogKey[],
  { what, generation, key }: KeyChange,
  clock: Clock,
): Promise<LogKey> {
  const now = clock.now();
  const changed = announce(keys, {
    what,
    generation,
    key,
    announcedAt: isoTime(now),
    position: Number.MAX_SAFE_INTEGER,
  });
  const entry = ledgerEntry(what === 'introduced' ? KEY_INTRODUCED : KEY_RETIRED, now, {
    generation,
    key: formatVerifierKey(key),
  });
  try {
    await appendBehind(store, KEYS_LANE, end, [entry]);
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
    throw new KeyChangeRefused('somebody else has just changed the keys; look at what they are now', {
      cause: error,
    });
  }
  return changed[generation - 1]!;
}

/**
 * Announces the key that a log begins with, if it has announced none: what a notary does first. Of two that begin at once one does, and
 * the other finds out whether it has the same. A log that has signed and has no announcement has lost it, and gets no other.
 *
 * @throws SignerFailed
 */
export async function announceFirstKey(
  store: EventStore,
  log: LogStore,
  { origin, keys }: LogIdentity,
  clock: Clock,
): Promise<void> {
  const end = await laneEnd(store, KEYS_LANE);
  if (end.entry !== null || (await log.checkpoint()) !== null) return;
  const signer = await keys.key(1);
  await assertSigns(signer);
  try {
    await announceKey(store, end, [], { what: 'introduced', generation: 1, key: keyOf(origin, signer) }, clock);
  } catch (error) {
    if (!(error instanceof KeyChangeRefused)) throw error;
  }
}

/** That what signs has the key that it says, before the log depends on it. It signs what no note can be. @throws SignerFailed */
export async function assertSigns(signer: Signer): Promise<void> {
  await signer.sign(utf8('a trial, before the log announces this key'));
}

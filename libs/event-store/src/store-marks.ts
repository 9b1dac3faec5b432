import { PartBehind, type Mark } from '@sijill/platform';
import { PositionNotFound, StoreNotOurs } from './errors.js';
import type { EntryText, EventStore } from './event-store.port.js';
import { leafHashOf } from './leaf-text.js';

/** The way out where data is really lost, for the end of a message. */
export const IS_ACCEPTED = 'is accepted, on record, with "sijill ledger accept-loss"';

/** An entry that somebody knows to be in the store. */
export interface MarkedEntry extends Mark {
  /** Who knows it, in words: `the vault`. */
  readonly by: string;
}

/**
 * That the store holds entries that are known to be in it, each at its place and as it was.
 *
 * @throws StoreNotOurs it ends before one of them, or holds something else there
 * @throws PartBehind   it holds something else there, and what others know further on: then it is not the store that has gone astray
 * @throws StoreUnavailable | StoreRefused it cannot be read
 */
export async function assertHolds(store: EventStore, known: readonly MarkedEntry[]): Promise<void> {
  const each = new Map(known.map((entry) => [`${entry.position} ${entry.leafHash}`, entry]));
  let agreed = 0;
  // The last one first: what is lost is lost from the end.
  for (const { by, position, leafHash } of [...each.values()].sort((a, b) => b.position - a.position)) {
    const entry = await entryFrom(store, position);
    if (entry !== null && leafHashOf(entry) === leafHash) {
      agreed ||= position;
      continue;
    }
    if (agreed > 0)
      throw new PartBehind(
        `${by} knows of another entry at position ${position} than the event store holds, which has all that others know up to position ` +
          `${agreed}: ${by} has gone on from an older copy. Put the right one back; nothing is taken in until then`,
      );
    const head = await store.head();
    throw new StoreNotOurs(
      head < position
        ? `the event store ends at position ${head}, and ${by} knows of entries up to ${position}: it is an older copy, or its end was lost. ` +
            `Put the newest one back; an end that is really lost ${IS_ACCEPTED}`
        : `at position ${position} the event store does not hold the entry that ${by} knows: it has gone on from an older copy, or was ` +
            'changed. Put the right one back',
    );
  }
}

/** The entry at a position; null where none begins there. */
async function entryFrom(store: EventStore, position: number): Promise<EntryText | null> {
  try {
    for await (const [entry] of store.readTexts({ from: position, batchSize: 1 })) return entry!;
    return null;
  } catch (error) {
    if (error instanceof PositionNotFound) return null;
    throw error;
  }
}

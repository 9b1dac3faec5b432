import { entryText, leafText, type EventStore } from '@sijill/event-store';
import { FOUNDING_LANE, LEDGER_RESTORED, type ProvenAnnouncement } from '@sijill/transparency';
import type { LogStore, SignedCheckpoint } from './log-store.js';
import { proveEntry } from './prove.js';
import { entriesOfLane } from './store-entries.js';

/** What a ledger has lost of its store and put on record, each time proven under the last checkpoint that is given away. @throws StoreUnavailable */
export async function provenLosses(
  store: EventStore,
  log: LogStore,
  published: SignedCheckpoint | null,
): Promise<ProvenAnnouncement[]> {
  const proven: ProvenAnnouncement[] = [];
  for await (const entry of entriesOfLane(store, FOUNDING_LANE)) {
    if (entry.type !== LEDGER_RESTORED || !tellsOfStore(entry.data)) continue;
    const proof = await proveEntry(log, entry.position, published);
    if (proof === null) break;
    proven.push({ leaf: leafText(entryText(entry)), proof });
  }
  return proven;
}

/** A ledger can lose changes of its vault, too, and its store be whole. */
function tellsOfStore({ lost }: { readonly lost?: unknown }): boolean {
  return (lost as { log?: unknown } | undefined)?.log !== undefined;
}

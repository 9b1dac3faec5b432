import { WrongExpectedRevision } from './errors.js';
import type { EventStore, JsonObject, NewEntry, StoredEntry } from './event-store.port.js';
import { LANES } from './lane-names.js';
import { appendBehind, laneEnd } from './lane-end.js';
import type { AuthenticStore, RawStore } from './raw-store.js';

/** The first entry of a ledger: which one it is, and what belongs to it. */
export const LEDGER_FOUNDED = 'sijill.ledger.founded.v1';

/** Which ledger this is, which parts are its own (by the ids that they were made with), and what it has lost. */
export interface Founding {
  readonly ledgerId: string;
  /** The fingerprint of its keyring. */
  readonly keyring: string;
  readonly vault: string;
  /** Of keys, producers, read models. */
  readonly database: string;
  readonly log: {
    readonly id: string;
    /** In whose name it began to be signed. */
    readonly origin: string;
  };
  /** How often the end of the store was lost, and that was put on record. */
  readonly losses: number;
}

/** A founding as it stands in the store. */
export interface FoundedLedger extends Founding {
  readonly entry: StoredEntry;
}

const UUID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** What the store says about whose it is. */
export interface FoundingFound {
  /** What holds now; null where no entry of this ledger's own says anything. */
  readonly founded: FoundedLedger | null;
  /** The ledger that somebody else's events found there instead, as far as they say. */
  readonly others: string | null;
}

/** @throws StoreUnavailable | StoreRefused */
export async function readFounding(store: AuthenticStore): Promise<FoundingFound> {
  const { revision, entry } = await laneEnd(store, LANES.ledger);
  if (entry !== null) return { founded: foundingIn(entry), others: null };
  return { founded: null, others: revision < 0 ? null : await othersLedger(store.events) };
}

/**
 * Founds a ledger in an empty store. Of two processes that do at once, one does, and both go on with what it wrote.
 *
 * @throws StoreUnavailable | StoreRefused | OutcomeUnknown
 */
export async function foundLedger(store: EventStore, entry: NewEntry): Promise<void> {
  try {
    await appendBehind(store, LANES.ledger, { revision: -1 }, [entry]);
  } catch (error) {
    if (!(error instanceof WrongExpectedRevision)) throw error;
  }
}

/** What an entry of the founding's lane says. */
export function foundingIn(entry: StoredEntry): FoundedLedger {
  const { ledgerId, keyring, vault, database, log, losses = 0 } = entry.data as unknown as Founding;
  return { ledgerId, keyring, vault, database, log, losses, entry };
}

/** A founding as the data of an entry. */
export function foundingData({
  ledgerId,
  keyring,
  vault,
  database,
  log: { id, origin },
  losses,
}: Founding): JsonObject {
  return { ledgerId, keyring, vault, database, log: { id, origin }, ...(losses === 0 ? {} : { losses }) };
}

/** Whose ledger a lane's last event founds, by what it says of itself: nobody has authenticated it. Null where it says nothing. */
async function othersLedger(events: RawStore): Promise<string | null> {
  for await (const { data } of events.readStream(LANES.ledger, { direction: 'backwards', limit: 1 })) {
    try {
      const { ledgerId } = JSON.parse(data) as { ledgerId?: unknown };
      return typeof ledgerId === 'string' && UUID.test(ledgerId) ? ledgerId : null;
    } catch {
      return null;
    }
  }
  return null;
}

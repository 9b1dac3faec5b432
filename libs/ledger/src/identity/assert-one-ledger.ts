import {
  assertHolds,
  readFounding,
  IS_ACCEPTED,
  StoreNotOurs,
  type AuthenticStore,
  type FoundedLedger,
  type MarkedEntry,
} from '@sijill/event-store';
import { PartBehind, PartOfAnother, type LedgerPart, type Mark, type PartState } from '@sijill/platform';

/** What belongs to a ledger beside its store, by the names in its founding. Null where nothing is there. */
export interface LedgerParts {
  readonly vault: LedgerPart | null;
  readonly database: LedgerPart | null;
  readonly readModels: LedgerPart | null;
  readonly log: { readonly part: LedgerPart; lastLeaf(): Promise<Mark | null>; losses(): Promise<number> } | null;
}

/** Who the parts are to belong to. */
export interface Belonging {
  readonly ledgerId: string;
  /** The fingerprint of the keyring. */
  readonly keyring: string;
  /** In whose name the log began to be signed. */
  readonly origin: string;
}

/**
 * That store, vault, database, read models and log are those of one ledger, and that the store holds what each of them knows to be in it.
 *
 * @param known what this process knows beside
 * @param losses how often entries had been lost, on record, when this process opened the ledger; left out, it opens it now
 * @returns null where nothing was founded yet, and nothing has to be there
 * @throws StoreNotOurs  the store is empty, an older copy, gone on from one, or another's
 * @throws PartOfAnother another ledger's, or a second one beside what the ledger was founded with; or a store that is another's altogether
 * @throws PartBehind    a database was emptied; or a loss was accepted, and not all of them know of it yet
 */
export async function assertOneLedger(
  store: AuthenticStore,
  parts: LedgerParts,
  belonging: Belonging,
  known: readonly MarkedEntry[] = [],
  losses = Number.POSITIVE_INFINITY,
): Promise<FoundedLedger | null> {
  const founded = await assertSameLedger(store, parts, belonging);
  if (founded === null) {
    await refuseUnfounded(store, belonging.ledgerId, await knownOf(parts));
    return null;
  }
  const begun = (await parts.log?.losses()) ?? founded.losses;
  // The log begins anew then, and all that this process knows of the store is what it was before.
  if (begun > losses)
    throw new PartOfAnother(
      'a loss of entries was accepted since this server was started; start it again, and it goes on from what is left',
    );
  if (begun < founded.losses)
    throw new PartBehind(
      'a loss of entries was accepted, and the log has not begun anew since: that was cut short, or this is an older copy of the log. Run ' +
        '"sijill ledger accept-loss" again, or put the newest log back',
    );
  await assertHolds(store, [...(await knownOf(parts)).marks, ...known]);
  return founded;
}

/**
 * That the parts are those of one ledger, whatever the store holds of what they know.
 *
 * @returns null where the store has no founding
 * @throws PartOfAnother | PartBehind
 */
export async function assertSameLedger(
  store: AuthenticStore,
  parts: LedgerParts,
  { ledgerId, keyring, origin }: Belonging,
): Promise<FoundedLedger | null> {
  const states = await statesOf(parts);
  for (const { what, state } of states)
    if (state.ledgerId !== null && state.ledgerId !== ledgerId)
      throw new PartOfAnother(
        `${what} is that of the ledger ${state.ledgerId}, and this keyring is of the ledger ${ledgerId}; put this ledger's own there, or say ` +
          'where it lies (SIJILL_DATA_DIR, SIJILL_DATABASE, SIJILL_VAULT_DATABASE)',
      );
  const { founded } = await readFounding(store);
  if (founded === null) return null;
  if (founded.keyring !== keyring || founded.log.origin !== origin)
    throw new PartOfAnother(
      `this ledger was founded with the log ${founded.log.origin}, and here it is ${origin}; set SIJILL_LOG_ORIGIN to what it was`,
    );
  const ids = { vault: founded.vault, database: founded.database, log: founded.log.id };
  for (const { name, what, state } of states)
    if (name !== 'readModels' && state.id !== ids[name])
      throw new PartOfAnother(
        `${what} is not the one that the ledger ${ledgerId} was founded with, but a second one. Servers on one store share vault, database, ` +
          'keyring and log: set SIJILL_VAULT_DATABASE, SIJILL_DATABASE or SIJILL_DATA_DIR to where these are, or put them back from a backup',
      );
  return founded;
}

interface NamedState {
  readonly name: keyof LedgerParts;
  readonly what: string;
  readonly state: PartState;
}

async function statesOf({ vault, database, readModels, log }: LedgerParts): Promise<NamedState[]> {
  const all = { vault, database, readModels, log: log?.part ?? null };
  const states: NamedState[] = [];
  for (const [name, part] of Object.entries(all) as [keyof LedgerParts, LedgerPart | null][])
    if (part !== null) states.push({ name, what: part.what, state: await part.state() });
  return states;
}

/** What the parts of a ledger know. */
export interface Known {
  /** Whether any is bound to a ledger. */
  readonly isBound: boolean;
  /** Entries that are in the store. */
  readonly marks: readonly MarkedEntry[];
  /** The highest number of a change of the vault that entries name. */
  readonly vaultSequence: number;
}

export async function knownOf(parts: LedgerParts): Promise<Known> {
  const states = await statesOf(parts);
  const marks = states.flatMap(({ what, state }) => (state.mark === null ? [] : [{ ...state.mark, by: what }]));
  const signed = await parts.log?.lastLeaf();
  return {
    isBound: states.some(({ state }) => state.ledgerId !== null),
    marks: signed === undefined || signed === null ? marks : [...marks, { ...signed, by: 'the log' }],
    vaultSequence: Math.max(0, ...states.map(({ state }) => state.vaultSequence)),
  };
}

/** @throws StoreNotOurs | PartOfAnother a ledger must not be founded in this store */
async function refuseUnfounded(store: AuthenticStore, ledgerId: string, { isBound, marks }: Known): Promise<void> {
  const last = Math.max(0, ...marks.map(({ position }) => position));
  const head = await store.head();
  const { others } = await readFounding(store);
  const whose = others === null ? "it holds entries that are not this ledger's" : `it is that of the ledger ${others}`;
  if (!isBound) {
    if (head === 0) return;
    throw new PartOfAnother(
      `the event store is not empty, and ${whose}, while keyring, vault and databases here are those of a new one. Servers on one store share ` +
        'keyring, vault, database and log: set them to where those of that ledger are, or SIJILL_EVENT_STORE to an empty store',
    );
  }
  throw new StoreNotOurs(
    head === 0
      ? `the event store is empty, and the ledger ${ledgerId} has entries up to position ${last}: a volume was not mounted, another server ` +
          `answers at its address, or it was lost. Put the right data back; what is really lost ${IS_ACCEPTED}`
      : `the event store is not that of the ledger ${ledgerId}: ${whose}. Set SIJILL_EVENT_STORE to the right one, or put its data back`,
  );
}

import {
  assertHolds,
  readFounding,
  StoreNotOurs,
  type AuthenticStore,
  type FoundedLedger,
  type MarkedEntry,
} from '@sijill/event-store';
import { PartOfAnother, type LedgerPart, type Mark, type PartState } from '@sijill/platform';

/** What belongs to a ledger beside its store, by the names in its founding. Null where nothing is there. */
export interface LedgerParts {
  readonly vault: LedgerPart | null;
  readonly database: LedgerPart | null;
  readonly readModels: LedgerPart | null;
  readonly log: { readonly part: LedgerPart; lastLeaf(): Promise<Mark | null> } | null;
}

/** Who the parts are to belong to. */
export interface Belonging {
  readonly ledgerId: string;
  /** The fingerprint of the keyring. */
  readonly keyring: string;
  /** In whose name the log is signed. */
  readonly origin: string;
}

/**
 * That store, vault, database, read models and log are those of one ledger, and that the store holds what each of them knows to be in it.
 *
 * @param known what this process knows beside
 * @returns null where nothing was founded yet, and nothing has to be there
 * @throws StoreNotOurs  the store is empty, an older copy, gone on from one, or another's
 * @throws PartOfAnother another ledger's, or a second one beside what the ledger was founded with; or a store that is another's altogether
 * @throws PartBehind    a database was emptied
 */
export async function assertOneLedger(
  store: AuthenticStore,
  parts: LedgerParts,
  { ledgerId, keyring, origin }: Belonging,
  known: readonly MarkedEntry[] = [],
): Promise<FoundedLedger | null> {
  const states = await statesOf(parts);
  const bound = states.filter(({ state }) => state.ledgerId !== null);
  for (const { what, state } of bound)
    if (state.ledgerId !== ledgerId)
      throw new PartOfAnother(
        `${what} is that of the ledger ${state.ledgerId}, and this keyring is of the ledger ${ledgerId}; put this ledger's own there, or say ` +
          'where it lies (SIJILL_DATA_DIR, SIJILL_DATABASE, SIJILL_VAULT_DATABASE)',
      );
  const { founded, others } = await readFounding(store);
  if (founded === null) {
    const marks = await marksOf(parts, states);
    await refuseUnfounded(store, { ledgerId, others, isBound: bound.length > 0, last: lastOf(marks) });
    return null;
  }
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
  await assertHolds(store, [...(await marksOf(parts, states)), ...known]);
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

/** What each part knows to be in the store. */
async function marksOf({ log }: LedgerParts, states: readonly NamedState[]): Promise<MarkedEntry[]> {
  const marks = states.flatMap(({ what, state }) => (state.mark === null ? [] : [{ ...state.mark, by: what }]));
  const signed = await log?.lastLeaf();
  return signed === undefined || signed === null ? marks : [...marks, { ...signed, by: 'the log' }];
}

function lastOf(marks: readonly MarkedEntry[]): number {
  return Math.max(0, ...marks.map(({ position }) => position));
}

interface Unfounded {
  readonly ledgerId: string;
  readonly others: string | null;
  readonly isBound: boolean;
  readonly last: number;
}

/** @throws StoreNotOurs | PartOfAnother a ledger must not be founded in this store */
async function refuseUnfounded(store: AuthenticStore, { ledgerId, others, isBound, last }: Unfounded): Promise<void> {
  const head = await store.head();
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
          'answers at its address, or it was lost. Put the right data back'
      : `the event store is not that of the ledger ${ledgerId}: ${whose}. Set SIJILL_EVENT_STORE to the right one, or put its data back`,
  );
}

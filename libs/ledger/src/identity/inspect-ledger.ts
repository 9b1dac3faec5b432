import { readFounding, type AuthenticStore } from '@sijill/event-store';
import type { Config, LedgerPart, Logger } from '@sijill/platform';
import { assertAsFar } from './assert-as-far.js';
import { assertOneLedger, type LedgerParts } from './assert-one-ledger.js';
import { withParts } from './open-parts.js';

/** Whose a part is, and how far it is. */
export interface PartShown {
  /** The ledger that it is of; null where it is none's yet, or not there. */
  readonly id: string | null;
  /** The last entry of the store that it knows of; null where it knows of none. */
  readonly position: number | null;
}

export interface LedgerShown {
  /** By the keyring. */
  readonly ledgerId: string;
  readonly store: PartShown;
  readonly vault: PartShown;
  /** Of keys, producers and read models. */
  readonly database: PartShown;
  readonly log: PartShown;
}

/** An error that looking at a ledger met: its parts do not belong together, or one cannot be read. */
export interface LedgerInspected {
  readonly shown: LedgerShown;
  /** Null where all belongs together. */
  readonly fault: Error | null;
}

/**
 * Looks whose store, vault, database and log are, and whether they belong together; makes nothing and changes nothing.
 *
 * @throws KeyringUnusable | StoreUnavailable | StoreRefused | DatabaseUnavailable
 */
export function inspectLedger(config: Config, logger: Logger): Promise<LedgerInspected> {
  return withParts(config, logger, async ({ store, vault, access, log, parts, belonging }) => {
    const shown = { ledgerId: belonging.ledgerId, ...(await shownOf(store, parts)) };
    const fault =
      store === null
        ? null
        : await faultOf(async () => {
            if ((await assertOneLedger(store, parts, belonging)) !== null)
              await assertAsFar(store, { vault, access }, parts.readModels, log);
          });
    return { shown, fault };
  });
}

async function faultOf(look: () => Promise<unknown>): Promise<Error | null> {
  try {
    await look();
    return null;
  } catch (error) {
    return error as Error;
  }
}

async function shownOf(store: AuthenticStore | null, parts: LedgerParts): Promise<Omit<LedgerShown, 'ledgerId'>> {
  const shown = async (part: LedgerPart | null): Promise<PartShown> => {
    if (part === null) return { id: null, position: null };
    const { ledgerId, mark } = await part.state();
    return { id: ledgerId, position: mark?.position ?? null };
  };
  const [database, readModels, log] = [
    await shown(parts.database),
    await shown(parts.readModels),
    await shown(parts.log?.part ?? null),
  ];
  return {
    store: store === null ? { id: null, position: null } : await storeShown(store),
    vault: await shown(parts.vault),
    // Of the two, the read models know of entries first.
    database: { ...database, position: readModels.position ?? database.position },
    log: { ...log, position: (await parts.log?.lastLeaf())?.position ?? null },
  };
}

async function storeShown(store: AuthenticStore): Promise<PartShown> {
  const head = await store.head();
  const { founded, others } = await readFounding(store);
  return { id: founded?.ledgerId ?? others, position: head === 0 ? null : head };
}

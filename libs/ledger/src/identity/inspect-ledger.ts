import { existsSync } from 'node:fs';
import { Access } from '@sijill/access';
import { authenticStore, readFounding, type AuthenticStore } from '@sijill/event-store';
import { LogStore } from '@sijill/notary';
import { clockOf, type Config, type LedgerPart, type Logger, type SqlTarget } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { keyringIn, keyringPlaceOf, Vault } from '@sijill/vault';
import { authenticatorOf } from '../authenticator-for.js';
import { openStore } from '../open-store.js';
import { sqlTarget } from '../sql-target.js';
import { assertAsFar } from './assert-as-far.js';
import { assertOneLedger, type LedgerParts } from './assert-one-ledger.js';

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
export async function inspectLedger(config: Config, logger: Logger): Promise<LedgerInspected> {
  const opened: { close(): Promise<void> }[] = [];
  const keep = <T extends { close(): Promise<void> }>(part: T): T => (opened.unshift(part), part);
  const there = async <T extends { close(): Promise<void> }>(
    target: SqlTarget,
    open: (target: SqlTarget) => Promise<T>,
  ): Promise<T | null> => (target.kind === 'sqlite' && !existsSync(target.file) ? null : keep(await open(target)));
  try {
    const keyring = await keyringIn(keyringPlaceOf(config.keyring));
    const clock = clockOf(config);
    const vault = await there(sqlTarget(config, 'vault'), (at) =>
      Vault.open(at, keyring, clock, config.defaultRegion, 1),
    );
    const access = await there(sqlTarget(config, 'access'), (at) => Access.open(at, config, clock));
    const readModels = await there(sqlTarget(config, 'read-models'), (at) => ReadModels.open(at, clock));
    const log = await there(sqlTarget(config, 'notary'), (at) => LogStore.open(at));
    const { eventStore } = config;
    const isThere = eventStore.kind !== 'embedded' || existsSync(eventStore.file);
    const store = isThere
      ? authenticStore(keep(await openStore(config, logger)), authenticatorOf(keyring, vault ?? undefined))
      : null;
    const parts: LedgerParts = {
      vault: vault?.part ?? null,
      database: access?.part ?? null,
      readModels: readModels?.part ?? null,
      log,
    };
    const { ledgerId, fingerprint, logName } = keyring;
    const belonging = { ledgerId, keyring: fingerprint, origin: config.logOrigin ?? logName };
    const shown = { ledgerId, ...(await shownOf(store, parts)) };
    const fault =
      store === null
        ? null
        : await faultOf(async () => {
            if ((await assertOneLedger(store, parts, belonging)) !== null)
              await assertAsFar(store, { vault, access }, parts.readModels, log);
          });
    return { shown, fault };
  } finally {
    for (const part of opened) await part.close();
  }
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

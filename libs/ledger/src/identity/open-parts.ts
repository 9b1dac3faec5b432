import { existsSync } from 'node:fs';
import { Access } from '@sijill/access';
import { authenticStore, type AuthenticStore } from '@sijill/event-store';
import { LogStore } from '@sijill/notary';
import { clockOf, type Config, type Logger, type SqlTarget } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { keyringIn, keyringPlaceOf, Vault } from '@sijill/vault';
import { authenticatorOf } from '../authenticator-for.js';
import { openStore } from '../open-store.js';
import { sqlTarget } from '../sql-target.js';
import type { Belonging, LedgerParts } from './assert-one-ledger.js';

/** The parts of a ledger as they lie, whether they belong together or not; null where one is not there. */
export interface PartsFound {
  readonly store: AuthenticStore | null;
  readonly vault: Vault | null;
  readonly access: Access | null;
  readonly readModels: ReadModels | null;
  readonly log: LogStore | null;
  readonly parts: LedgerParts;
  /** By keyring and configuration. */
  readonly belonging: Belonging;
}

/**
 * Works on the parts of a ledger before anybody has found that they are one. Makes none that is not there.
 *
 * @throws KeyringUnusable | StoreUnavailable | StoreRefused | DatabaseUnavailable
 */
export async function withParts<T>(
  config: Config,
  logger: Logger,
  work: (found: PartsFound) => Promise<T>,
): Promise<T> {
  const opened: { close(): Promise<void> }[] = [];
  const keep = <P extends { close(): Promise<void> }>(part: P): P => (opened.unshift(part), part);
  const there = async <P extends { close(): Promise<void> }>(
    target: SqlTarget,
    open: (target: SqlTarget) => Promise<P>,
  ): Promise<P | null> => (target.kind === 'sqlite' && !existsSync(target.file) ? null : keep(await open(target)));
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
    return await work({ store, vault, access, readModels, log, parts, belonging });
  } finally {
    for (const part of opened) await part.close();
  }
}

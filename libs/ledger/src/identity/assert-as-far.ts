import type { Access } from '@sijill/access';
import { drainedTo, LANES, type EventStore } from '@sijill/event-store';
import { lastAnnounced, type LogStore } from '@sijill/notary';
import type { LedgerPart } from '@sijill/platform';
import { highestVaultSequence } from '@sijill/read-models';
import type { Vault } from '@sijill/vault';

/** What decides before entries tell of it. Null where nothing is there. */
export interface Deciding {
  readonly vault: Pick<Vault, 'assertReached' | 'sequence' | 'epoch'> | null;
  readonly access: Pick<Access, 'assertReached' | 'vaultEpoch' | 'noteVaultEpoch'> | null;
}

/**
 * That vault and access have decided all that the store tells of them in lanes of their own; and that in the vault is destroyed what was
 * destroyed, of which no entry tells.
 *
 * @throws PartBehind one of them is an older copy
 */
export async function assertDecided(store: EventStore, { vault, access }: Deciding): Promise<void> {
  await vault?.assertReached(await drainedTo(store, LANES.vault));
  // It may have gone back, beside what the store tells of it.
  await vault?.sequence();
  await vault?.assertReached(0, await access?.vaultEpoch());
  await access?.assertReached(await drainedTo(store, LANES.access));
}

/**
 * The same for all entries, each of which names the change of the vault that it rests on; and that the log has the leaves which the map of
 * subjects was announced with.
 *
 * @param readModels know of the entries that they have; those behind are read
 * @throws PartBehind
 */
export async function assertAsFar(
  store: EventStore,
  deciding: Deciding,
  readModels: LedgerPart | null,
  log: LogStore | null,
): Promise<void> {
  const { vault } = deciding;
  const state = await readModels?.state();
  if (vault !== null) {
    await vault.assertReached(state?.vaultSequence ?? 0);
    const after = state?.mark?.position;
    for await (const batch of store.readAll(after === undefined ? {} : { after }))
      await vault.assertReached(highestVaultSequence(batch));
  }
  await assertDecided(store, deciding);
  await log?.assertReached((await lastAnnounced(store))?.size ?? 0);
}

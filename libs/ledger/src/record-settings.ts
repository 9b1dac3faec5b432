import { ledgerEntry } from '@sijill/event-store';
import { settingsInForce } from '@sijill/platform';
import type { Ledger } from './open-ledger.js';

export const SETTINGS_IN_FORCE = 'sijill.settings.in_force.v1';

/**
 * Records what is in force from now on: whoever judges the entries of this time has to know it.
 *
 * @throws StoreUnavailable | StoreRefused
 */
export async function recordSettings({
  config,
  clock,
  ownLane,
}: Pick<Ledger, 'config' | 'clock' | 'ownLane'>): Promise<void> {
  const { limits, ...settings } = settingsInForce(config);
  const data = { ...settings, limits: { ...limits }, node: config.nodeId };
  await (await ownLane()).append([ledgerEntry(SETTINGS_IN_FORCE, clock.now(), data)]);
}

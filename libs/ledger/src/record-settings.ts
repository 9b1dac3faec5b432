import { ledgerEntry } from '@sijill/event-store';
import { settingsInForce } from '@sijill/platform';
import type { Ledger } from './open-ledger.js';

export const SETTINGS_IN_FORCE = 'sijill.settings.in_force.v1';

/**
 * Records what is in force from now on: whoever judges the entries of this time has to know it. What needs a second person is more than
 * this server was told where another was told more.
 *
 * @throws StoreUnavailable | StoreRefused | DatabaseUnavailable
 */
export async function recordSettings({
  config,
  clock,
  dualControl,
  logger,
  nodeClaim,
  ownLane,
}: Pick<Ledger, 'config' | 'clock' | 'dualControl' | 'logger' | 'nodeClaim' | 'ownLane'>): Promise<void> {
  const { limits, dualControl: own, ...settings } = settingsInForce(config);
  const isAlone = await nodeClaim.take(() => undefined);
  const inForce = await dualControl.declare(isAlone);
  if (inForce.length > own.length)
    logger.warn(
      { dualControl: own, inForce },
      'another server of this ledger was told of more that needs a second person, and that is in force here too; to need less, start each of them with less',
    );
  const data = { ...settings, dualControl: [...inForce], limits: { ...limits }, node: config.nodeId };
  await (await ownLane()).append([ledgerEntry(SETTINGS_IN_FORCE, clock.now(), data)]);
}

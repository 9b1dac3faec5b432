import type { Draft } from '../demo-event.js';
import { theProtagonist, type DemoPerson } from '../people.js';
import type { SeededRandom } from '../seeded-random.js';
import type { Appointment, Plot } from '../world.js';
import { corrected, marketingConsent, signUp } from './accounts.js';
import { courtOrder } from './authorities.js';
import { campaignMessage, oneTimePassword } from './messages.js';
import { backupAbroad, invoiceSettled, supportLookUp, visit } from './operations.js';
import { objection, rightsRequest } from './rights.js';

type Scene = (person: DemoPerson, random: SeededRandom) => Draft;

/**
 * One person's month, scene by scene, each at its fraction of the month. The traffic draws the protagonist for nothing else
 * (one contact upload aside), so that this list is their history.
 */
const SCENES: readonly (readonly [at: number, scene: Scene])[] = [
  [0.05, (person, random) => signUp(person, random, 'accounts-2')],
  [0.0501, oneTimePassword],
  [0.0502, marketingConsent],
  [0.051, visit],
  [0.09, backupAbroad],
  [0.12, oneTimePassword],
  [0.1201, visit],
  [0.17, campaignMessage],
  [0.21, oneTimePassword],
  [0.24, campaignMessage],
  [0.29, oneTimePassword],
  [0.3, supportLookUp],
  [0.33, corrected],
  [0.38, campaignMessage],
  [0.4, invoiceSettled],
  [0.42, backupAbroad],
  [0.47, oneTimePassword],
  [0.5, campaignMessage],
  [0.55, courtOrder],
  [0.58, oneTimePassword],
  [0.62, (person, random) => objection(person, random, 'raised')],
  [0.66, campaignMessage],
  [0.67, (person, random) => rightsRequest(person, random, 'received', 'access')],
  [0.74, invoiceSettled],
  [0.76, backupAbroad],
  [0.81, (person, random) => rightsRequest(person, random, 'answered', 'access')],
  [0.85, oneTimePassword],
  [0.92, (person, random) => rightsRequest(person, random, 'received', 'deletion')],
];

/** How often the protagonist's data is disclosed in a month. */
export const PROTAGONIST_DISCLOSURES = SCENES.filter(([, scene]) =>
  [oneTimePassword, backupAbroad, campaignMessage, invoiceSettled, courtOrder].includes(
    scene as typeof oneTimePassword,
  ),
).length;

export function protagonistStory(plot: Plot): Appointment[] {
  return SCENES.map(([fraction, scene]) => ({
    at: Math.floor(plot.span * fraction),
    happen: (world) => scene(theProtagonist, world.random),
  }));
}

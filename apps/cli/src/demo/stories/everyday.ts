import type { Draft } from '../demo-event.js';
import type { DemoPerson } from '../people.js';
import type { SeededRandom } from '../seeded-random.js';
import type { World } from '../world.js';
import { campaignMessage, customerMessage, oneTimePassword } from './messages.js';
import { backupAbroad, fraudScreened, invoiceSettled, measured, supportLookUp, visit } from './operations.js';

type DraftOf = (person: DemoPerson, random: SeededRandom) => Draft;

/** What account holders bring about, each with its share of the traffic. */
const OF_HOLDERS: readonly (readonly [share: number, draftOf: DraftOf])[] = [
  [0.3, oneTimePassword],
  [0.22, visit],
  [0.05, backupAbroad],
  [0.03, supportLookUp],
  [0.025, measured],
  [0.02, invoiceSettled],
  [0.005, fraudScreened],
];
const CAMPAIGNS = 0.12;

/** One event of the platform's ordinary business. What is left of the shares are messages to people without an account. */
export function everydayDraft(world: World): Draft {
  const { random } = world;
  let draw = random.fraction();
  if (draw < CAMPAIGNS) {
    const person = world.marketable.draw(random);
    if (person !== undefined) return campaignMessage(person, random);
  }
  draw -= CAMPAIGNS;
  for (const [share, draftOf] of OF_HOLDERS) {
    if (draw >= 0 && draw < share) {
      const person = world.holders.draw(random);
      if (person !== undefined) return draftOf(person, random);
    }
    draw -= share;
  }
  const stranger = random.pick(world.strangers);
  return random.chance(0.3) ? oneTimePassword(stranger, random) : customerMessage(stranger, random);
}

import { POLICY_VERSION, type Draft } from '../demo-event.js';
import type { DemoPerson } from '../people.js';
import { COURT, COURT_EXPERT, TELECOM_REGULATOR, type DemoRecipient } from '../recipients.js';
import type { SeededRandom } from '../seeded-random.js';
import { foundAtDesk } from '../subjects.js';
import type { Appointment, Plot } from '../world.js';

function ordered(
  person: DemoPerson,
  random: SeededRandom,
  by: DemoRecipient,
  reference: string,
  dataCategories: readonly string[],
): Draft {
  return {
    source: '/legal/desk',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [foundAtDesk(person, random)],
      dataCategories,
      purpose: 'legal_compliance',
      legalBasis: 'legal_obligation',
      policyVersion: POLICY_VERSION,
      system: 'legal-1',
      processingActivity: 'ROPA-9',
      actor: 'staff-131',
      approvedBy: 'staff-130',
      recipient: by,
      ground: 'law',
      method: random.pick(['portal', 'paper']),
      occasion: 'once',
      request: { reference, sha256: random.hex(64) },
      minimumNecessary: true,
      effectOnOthers: 'delivery records say with whom the person was in touch; their numbers were blackened',
      details: { namedInOrder: person.name.arabic },
    },
  };
}

/** A court orders that an account's data be handed over. */
export function courtOrder(person: DemoPerson, random: SeededRandom): Draft {
  const reference = `COURT-9/${random.integer(1000, 9999)}/1448`;
  return ordered(person, random, COURT, reference, ['identity.name', 'contact.phone', 'message.delivery_record']);
}

/** The regulator asks who sent what a recipient complained of. */
export function regulatorDemand(person: DemoPerson, random: SeededRandom): Draft {
  const reference = `REG-${random.integer(100_000, 999_999)}`;
  return ordered(person, random, TELECOM_REGULATOR, reference, ['contact.phone', 'message.delivery_record']);
}

/** An expert whom a court has named examines delivery records in a dispute. */
export function expertOpinion(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/legal/desk',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [foundAtDesk(person, random)],
      dataCategories: ['message.delivery_record'],
      purpose: 'legal_compliance',
      legalBasis: 'legitimate_interest',
      policyVersion: POLICY_VERSION,
      system: 'legal-1',
      processingActivity: 'ROPA-9',
      actor: 'staff-131',
      approvedBy: 'staff-130',
      recipient: { ...COURT_EXPERT, reference: `EXP-${random.integer(100, 999)}` },
      ground: 'protection',
      method: 'in_person',
      occasion: 'once',
      minimumNecessary: true,
    },
  };
}

export function authorityStories(plot: Plot): Appointment[] {
  const story = (count: number, draftOf: typeof courtOrder): Appointment[] =>
    plot.cast(plot.scaled(count)).map((person) => ({
      at: Math.floor(plot.span * (0.15 + 0.8 * plot.random.fraction())),
      happen: (world) => draftOf(person, world.random),
    }));
  return [...story(2, courtOrder), ...story(1, regulatorDemand), ...story(1, expertOpinion)];
}

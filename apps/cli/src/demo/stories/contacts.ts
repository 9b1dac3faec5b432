import { POLICY_VERSION, type Draft } from '../demo-event.js';
import { theProtagonist, type DemoPerson } from '../people.js';
import type { SeededRandom } from '../seeded-random.js';
import { inAddressBook } from '../subjects.js';
import type { Appointment, Plot } from '../world.js';

/** An address book that an app was allowed to read: one event, and each person in it is a data subject. */
export function contactUpload(owner: DemoPerson, contacts: readonly DemoPerson[], random: SeededRandom): Draft {
  return {
    source: '/contacts/upload',
    type: 'sijill.data.collected.v1',
    data: {
      dataSubjects: contacts.map((person) => inAddressBook(person, random)),
      dataCategories: ['contacts.entries', 'contact.phone', 'identity.name'],
      purpose: 'provide_services',
      legalBasis: 'consent',
      policyVersion: POLICY_VERSION,
      system: 'mobile-1',
      actor: owner.account,
      origin: 'third_party',
      mandatory: false,
      noticeVersion: POLICY_VERSION,
    },
  };
}

/** Uploads over the month; the protagonist stands in the first one, and many people in more than one. */
export function contactStories(plot: Plot): Appointment[] {
  return plot.cast(plot.scaled(12)).map((owner, i) => ({
    at: Math.floor(plot.span * (0.1 + 0.8 * plot.random.fraction())),
    happen: ({ random }) => {
      const others = random
        .shuffled(plot.people)
        .filter((person) => person !== owner && person !== theProtagonist)
        .slice(0, random.integer(8, 60));
      return contactUpload(owner, i === 0 ? [theProtagonist, ...others] : others, random);
    },
  }));
}

import { POLICY_VERSION, type Draft } from '../demo-event.js';
import type { DemoPerson } from '../people.js';
import type { SeededRandom } from '../seeded-random.js';
import { foundAtDesk } from '../subjects.js';
import type { Appointment, Plot } from '../world.js';
import { marketingConsentWithdrawn } from './accounts.js';
import { campaignMessage } from './messages.js';

export type Right = 'access' | 'correction' | 'deletion' | 'objection' | 'withdrawal';
type Step = 'received' | 'extended' | 'answered' | 'refused';

const CHANNELS = ['email', 'web', 'phone', 'in_person', 'letter'] as const;

/** What a step has to say for itself. */
const WORDS: Readonly<Record<Step, object>> = {
  received: {},
  answered: {},
  extended: { reason: 'the data lies in many systems' },
  refused: { code: 'identity_not_verified', reason: 'who asked did not show who they are' },
};

/** A step of a rights request, as the support desk records it. */
export function rightsRequest(person: DemoPerson, random: SeededRandom, step: Step, right: Right): Draft {
  return {
    source: '/support/desk',
    type: `sijill.request.${step}.v1`,
    data: {
      dataSubjects: [foundAtDesk(person, random)],
      purpose: 'rights_handling',
      policyVersion: POLICY_VERSION,
      system: 'desk-1',
      actor: `staff-${random.integer(120, 124)}`,
      right,
      channel: random.pick(CHANNELS),
      requestId: `desk-${person.index}-${right}`,
      jurisdiction: 'PDPL',
      ...WORDS[step],
      details: { askedBy: person.name.latin, askedByArabic: person.name.arabic },
    },
  };
}

export function objection(person: DemoPerson, random: SeededRandom, step: 'raised' | 'lifted'): Draft {
  return {
    source: '/support/desk',
    type: `sijill.objection.${step}.v1`,
    data: {
      dataSubjects: [foundAtDesk(person, random)],
      dataCategories: ['consent.preferences'],
      purpose: 'marketing',
      policyVersion: POLICY_VERSION,
      system: 'desk-1',
      actor: `staff-${random.integer(120, 124)}`,
    },
  };
}

/** Objections, two of which the campaign service overlooks, and two of which are taken back. */
export function objectionStories(plot: Plot, people: readonly DemoPerson[]): Appointment[] {
  return people.flatMap((person, i): Appointment[] => {
    const at = Math.floor(plot.span * (0.12 + 0.6 * plot.random.fraction()));
    const later = at + Math.floor(plot.span * (0.05 + 0.1 * plot.random.fraction()));
    const raised: Appointment = {
      at,
      happen: (world) => {
        world.marketable.remove(person);
        return objection(person, world.random, 'raised');
      },
    };
    if (i < 2) return [raised, { at: later, happen: (world) => campaignMessage(person, world.random) }];
    if (i >= 4) return [raised];
    const lifted: Appointment = {
      at: later,
      happen: (world) => {
        world.marketable.add(person);
        return objection(person, world.random, 'lifted');
      },
    };
    return [raised, lifted];
  });
}

/** Consents taken back. */
export function withdrawalStories(plot: Plot, people: readonly DemoPerson[]): Appointment[] {
  return people.map((person) => ({
    at: Math.floor(plot.span * (0.12 + 0.8 * plot.random.fraction())),
    happen: (world) => {
      world.marketable.remove(person);
      return marketingConsentWithdrawn(person, world.random);
    },
  }));
}

const COURSES: readonly (readonly Step[])[] = [
  ['received', 'answered'],
  ['received', 'answered'],
  ['received', 'extended', 'answered'],
  ['received', 'refused'],
  ['received'],
];

/** Rights requests: most are answered, one in five takes longer, one is refused, and one is open when the month ends. */
export function requestStories(plot: Plot): Appointment[] {
  const rights: readonly Right[] = ['access', 'access', 'correction'];
  return plot.cast(plot.scaled(16)).flatMap((person, i) => {
    const right = rights[i % rights.length] as Right;
    const begin = 0.1 + 0.4 * plot.random.fraction();
    return (COURSES[i % COURSES.length] as readonly Step[]).map((step, k) => ({
      at: Math.floor(plot.span * (begin + 0.2 * k)),
      happen: (world) => rightsRequest(person, world.random, step, right),
    }));
  });
}

import { POLICY_VERSION, type DemoSource, type Draft } from '../demo-event.js';
import { theProtagonist, type DemoPerson } from '../people.js';
import { accountHolder, foundAtDesk, registeredUser } from '../subjects.js';
import type { SeededRandom } from '../seeded-random.js';
import type { Appointment, Plot } from '../world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** Who had an account before the ledger began; the others sign up in the course of the month. */
export function isOldAccount(person: DemoPerson): boolean {
  return person.account !== null && person.index % 10 < 7 && person !== theProtagonist;
}

/** Collection of what somebody states when they open an account. */
export function signUp(person: DemoPerson, random: SeededRandom, system: string): Draft {
  const ofOrganization = ['identity.organization', 'identity.verification', 'account.billing'];
  return {
    source: '/accounts/signup',
    type: 'sijill.data.collected.v1',
    data: {
      dataSubjects: [registeredUser(person, random)],
      dataCategories: [
        'identity.name',
        'contact.phone',
        'contact.email',
        'account.profile',
        ...(person.organization === null ? [] : ofOrganization),
      ],
      purpose: 'manage_accounts',
      legalBasis: 'contract',
      policyVersion: POLICY_VERSION,
      system,
      origin: 'subject',
      mandatory: true,
      noticeVersion: POLICY_VERSION,
    },
  };
}

/** An account is closed: its id leads to nobody from then on. */
export function accountClosed(person: DemoPerson): Draft {
  return {
    source: '/accounts/signup',
    type: 'sijill.identifier.released.v1',
    data: { dataSubjects: [accountHolder(person)], policyVersion: POLICY_VERSION, system: 'accounts-2' },
  };
}

/** Documented consent to marketing, given by an account holder in the app or by a message recipient to a sender. */
export function marketingConsent(person: DemoPerson, random: SeededRandom): Draft {
  const hasAccount = person.account !== null;
  return {
    source: hasAccount ? '/accounts/signup' : '/campaigns/sender',
    type: 'sijill.consent.granted.v1',
    data: {
      dataSubjects: [hasAccount ? accountHolder(person) : foundAtDesk(person, random)],
      dataCategories: ['consent.preferences'],
      purpose: 'marketing',
      policyVersion: POLICY_VERSION,
      system: hasAccount ? 'accounts-2' : 'campaigns-1',
      evidence: { reference: `consent-${random.hex(10)}`, sha256: random.hex(64) },
      means: random.pick(hasAccount ? ['web_form', 'app'] : ['web_form', 'paper', 'sms']),
      noticeVersion: POLICY_VERSION,
      language: random.chance(0.8) ? 'ar' : 'en',
    },
  };
}

export function marketingConsentWithdrawn(person: DemoPerson, random: SeededRandom): Draft {
  const source: DemoSource = '/campaigns/sender';
  return {
    source,
    type: 'sijill.consent.withdrawn.v1',
    data: {
      dataSubjects: [foundAtDesk(person, random)],
      dataCategories: ['consent.preferences'],
      purpose: 'marketing',
      policyVersion: POLICY_VERSION,
      system: 'campaigns-1',
      means: random.pick(['app', 'sms', 'phone']),
      noticeVersion: POLICY_VERSION,
      language: 'ar',
    },
  };
}

/** An account holder's correction of what they had stated. */
export function corrected(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/accounts/signup',
    type: 'sijill.data.corrected.v1',
    data: {
      dataSubjects: [registeredUser(person, random)],
      dataCategories: random.pick([['identity.name'], ['account.profile'], ['account.profile', 'account.billing']]),
      policyVersion: POLICY_VERSION,
      system: 'accounts-2',
      actor: person.account,
    },
  };
}

/**
 * Old accounts are announced in the first two hours, as a platform does that starts to keep a ledger; new ones open over the
 * month. `consentsFirst` names the people whose later story needs their consent to marketing.
 */
export function accountStories(plot: Plot, consentsFirst: ReadonlySet<DemoPerson>): Appointment[] {
  const { random, span } = plot;
  const appointments: Appointment[] = [];
  for (const person of plot.people) {
    if (person === theProtagonist) continue;
    const old = isOldAccount(person);
    const from = old || person.account === null ? 0 : 3 * HOUR;
    const until = old || person.account === null ? 2 * HOUR : span - 2 * HOUR;
    const at = random.integer(from, until);
    if (person.account !== null) {
      appointments.push({
        at,
        happen: (world) => {
          world.holders.add(person);
          return signUp(person, world.random, old ? 'accounts-inventory' : 'accounts-2');
        },
      });
    }
    if (!consentsFirst.has(person) && !random.chance(person.account === null ? 0.3 : 0.5)) continue;
    appointments.push({
      at: at + random.integer(2000, HOUR),
      happen: (world) => {
        world.marketable.add(person);
        return marketingConsent(person, world.random);
      },
    });
  }
  return appointments;
}

/** Corrections spread over the month. */
export function correctionStories(plot: Plot): Appointment[] {
  return plot.cast(plot.scaled(20)).map((person) => ({
    at: Math.floor(plot.span * (0.1 + 0.85 * plot.random.fraction())),
    happen: (world) => corrected(person, world.random),
  }));
}

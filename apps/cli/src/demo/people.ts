import { FAMILY_NAMES, GIVEN_NAMES, TRADES, type BilingualName } from './names.js';
import { SeededRandom } from './seeded-random.js';

/** A person or organization of the demo. No two share a phone, email, account or device. */
export interface DemoPerson {
  /** Place in the list of people; the last four digits of the phone. */
  readonly index: number;
  readonly kind: 'individual' | 'organization';
  /** E.164, in +966500000000 … +966500009999. */
  readonly phone: string;
  /** `null`: has no account and is known by the phone only. */
  readonly account: string | null;
  /** Lower case; `null` exactly when there is no account. */
  readonly email: string | null;
  /** `null` exactly when there is no account. */
  readonly device: string | null;
  /** The person's, or the organization's contact person's. Occurs in sealed details only. */
  readonly name: BilingualName;
  /** Occurs in sealed details only; `null` for individuals. */
  readonly organization: BilingualName | null;
}

/** As many numbers as the demo's range holds. */
export const MOST_PEOPLE = 10_000;
/** The stories need a cast. */
export const FEWEST_PEOPLE = 200;

export const phoneOf = (index: number): string => `+96650000${String(index).padStart(4, '0')}`;

/** The person whose whole history the demo prints: the same under every seed. */
export const theProtagonist: DemoPerson & {
  readonly identifier: { readonly scheme: 'phone'; readonly value: string };
} = {
  identifier: { scheme: 'phone', value: phoneOf(42) },
  index: 42,
  kind: 'individual',
  phone: phoneOf(42),
  account: 'acc-42',
  email: 'layan.al-murooji.42@example.com',
  device: 'dev-5f0c7a3e9b21d846',
  name: { latin: 'Layan Al-Murooji', arabic: 'ليان المروجي' },
  organization: null,
};

const MAIL_DOMAINS = ['example.com', 'example.org', 'example.net'] as const;

/**
 * The people of the demo, in the order of their index: about two thirds hold an account, one account in twelve is an
 * organization's, the others are reached by message or stand in somebody's contacts.
 *
 * @param seed the same seed gives the same people, and a longer list begins with the shorter one
 * @param count 200 to 10,000
 * @throws RangeError for another count
 */
export function demoPeople(seed: number, count = 2000): DemoPerson[] {
  if (!Number.isInteger(count) || count < FEWEST_PEOPLE || count > MOST_PEOPLE) {
    throw new RangeError(`the demo has ${FEWEST_PEOPLE} to ${MOST_PEOPLE} people, not ${count}`);
  }
  const random = new SeededRandom(`people of ${seed}`);
  return Array.from({ length: count }, (_, index) => {
    const person = makePerson(index, random);
    return index === theProtagonist.index ? theProtagonist : person;
  });
}

function makePerson(index: number, random: SeededRandom): DemoPerson {
  const given = random.pick(GIVEN_NAMES);
  const family = random.pick(FAMILY_NAMES);
  const trade = random.pick(TRADES);
  const organization = random.chance(1 / 12);
  const device = `dev-${random.hex(16)}`;
  // Not by chance: every block of three indexes holds two accounts, so that any count of people has enough of both sorts.
  const account = index % 3 === 2 ? null : `acc-${index}`;
  const mailName = `${given.latin}.${family.latin}.${index}`.toLowerCase();
  return {
    index,
    kind: account !== null && organization ? 'organization' : 'individual',
    phone: phoneOf(index),
    account,
    email: account === null ? null : `${mailName}@${random.pick(MAIL_DOMAINS)}`,
    device: account === null ? null : device,
    name: { latin: `${given.latin} ${family.latin}`, arabic: `${given.arabic} ${family.arabic}` },
    organization:
      account !== null && organization
        ? { latin: `${family.latin} ${trade.latin} ${index}`, arabic: `${family.arabic} ${trade.arabic} ${index}` }
        : null,
  };
}

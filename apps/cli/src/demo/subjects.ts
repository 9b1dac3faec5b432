import type { DemoIdentifier, DemoSubject } from './demo-event.js';
import type { DemoPerson } from './people.js';
import { machineSpelling, typedSpelling } from './phone-spellings.js';
import type { SeededRandom } from './seeded-random.js';

const identifier = (scheme: DemoIdentifier['scheme'], value: string): DemoIdentifier => ({ scheme, value });

/**
 * An account holder with everything that the account service knows. Said before anything else is said of an account: it is
 * what ties phone, email and account to one person from the start.
 */
export function registeredUser(person: DemoPerson, random: SeededRandom): DemoSubject {
  const identifiers = [identifier('phone', typedSpelling(person.phone, random))];
  if (person.account !== null) identifiers.unshift(identifier('account', person.account));
  if (person.email !== null) identifiers.push(identifier('email', typedEmail(person.email, random)));
  return { identifiers, role: 'user' };
}

/** An account holder as the web and mobile apps see one: by account and device. */
export function appUser(person: DemoPerson): DemoSubject {
  const identifiers: DemoIdentifier[] = [];
  if (person.account !== null) identifiers.push(identifier('account', person.account));
  if (person.device !== null) identifiers.push(identifier('device', person.device));
  return { identifiers, role: 'user' };
}

/** An account holder as internal services name one: by the account's opaque id only. */
export function accountHolder(person: DemoPerson): DemoSubject {
  return { identifiers: [identifier('account', person.account ?? '')], role: 'user' };
}

/** An account holder as the billing service knows one, which numbers its accounts itself. */
export function billed(person: DemoPerson): DemoSubject {
  const { identifiers, role } = accountHolder(person);
  const ofBilling: DemoIdentifier = { scheme: 'account', value: billingAccountOf(person), realm: 'billing' };
  return { identifiers: [...identifiers, ofBilling], role };
}

export const billingAccountOf = (person: DemoPerson): string => `B-${7000 + person.index}`;

/** Somebody a message goes to. The sender adds the account when there is one. */
export function messaged(person: DemoPerson, random: SeededRandom): DemoSubject {
  const phone = identifier('phone', machineSpelling(person.phone, random));
  if (person.account === null) return { identifiers: [phone], role: 'message_recipient' };
  const withAccount = random.chance(0.5) ? [phone, identifier('account', person.account)] : [phone];
  return { identifiers: withAccount, role: 'user' };
}

/** An account holder as somebody at a desk found them: by what was typed or said. */
export function foundAtDesk(person: DemoPerson, random: SeededRandom): DemoSubject {
  const identifiers =
    person.email !== null && random.chance(0.4)
      ? [identifier('email', typedEmail(person.email, random))]
      : [identifier('phone', typedSpelling(person.phone, random))];
  return { identifiers, role: person.account === null ? 'message_recipient' : 'user' };
}

/** An entry of somebody's address book, as its owner wrote it: nobody has checked whose the number is. */
export function inAddressBook(person: DemoPerson, random: SeededRandom): DemoSubject {
  return {
    identifiers: [{ ...identifier('phone', typedSpelling(person.phone, random)), verified: false }],
    role: 'contact',
    details: { savedAs: person.name.arabic },
  };
}

function typedEmail(email: string, random: SeededRandom): string {
  if (random.chance(0.8)) return email;
  return random.chance(0.5) ? email.toUpperCase() : ` ${email.charAt(0).toUpperCase()}${email.slice(1)}`;
}

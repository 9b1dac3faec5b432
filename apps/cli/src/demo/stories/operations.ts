import { POLICY_VERSION, type Draft } from '../demo-event.js';
import type { DemoPerson } from '../people.js';
import { BILLING_PARTNER, FRAUD_SCREENING, HOSTING_ABROAD, HOSTING_TRANSFER_BASIS } from '../recipients.js';
import type { SeededRandom } from '../seeded-random.js';
import { accountHolder, appUser, billed, foundAtDesk } from '../subjects.js';

const staff = (random: SeededRandom): string => `staff-${random.integer(101, 119)}`;

/** What the web and mobile apps record of a visit by themselves. */
export function visit(person: DemoPerson, random: SeededRandom): Draft {
  const onTheWeb = random.chance(0.5);
  return {
    source: '/accounts/signup',
    type: 'sijill.data.collected.v1',
    data: {
      dataSubjects: [onTheWeb ? accountHolder(person) : appUser(person)],
      dataCategories: [
        'usage.ip_address',
        ...(onTheWeb ? ['usage.browser', 'usage.pages'] : ['usage.device']),
        'usage.os',
        'usage.access_time',
        ...(random.chance(0.2) ? ['usage.logs'] : []),
      ],
      purpose: 'improve_performance',
      legalBasis: 'legitimate_interest',
      policyVersion: POLICY_VERSION,
      system: onTheWeb ? 'web-1' : 'mobile-1',
      origin: 'device',
      mandatory: false,
      noticeVersion: POLICY_VERSION,
    },
  };
}

const REASONS_TO_CALL = [
  'asked why a one-time password came late',
  'could not open the invoice',
  'wants another sender name',
  'سأل عن تأخر وصول الرسائل',
] as const;

/** Somebody at the support desk looks an account up. */
export function supportLookUp(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/support/desk',
    type: 'sijill.data.used.v1',
    data: {
      dataSubjects: [foundAtDesk(person, random)],
      dataCategories: ['identity.name', 'contact.phone', 'account.profile'],
      purpose: 'process_requests',
      legalBasis: 'contract',
      policyVersion: POLICY_VERSION,
      system: 'desk-1',
      actor: staff(random),
      automatedDecision: false,
      details: {
        ticket: `T-${random.integer(10_000, 99_999)}`,
        caller: { latin: person.name.latin, arabic: person.name.arabic },
        ...(person.organization === null ? {} : { organization: person.organization.latin }),
        note: random.pick(REASONS_TO_CALL),
      },
    },
  };
}

/** A nightly copy to the hosting partner in another country. */
export function backupAbroad(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/hosting/backups',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [accountHolder(person)],
      dataCategories: ['account.profile', 'contact.email', 'contact.phone', 'message.delivery_record'],
      purpose: 'provide_services',
      legalBasis: 'legitimate_interest',
      policyVersion: POLICY_VERSION,
      system: `backup-${random.integer(1, 3)}`,
      processingActivity: 'ROPA-6',
      recipient: HOSTING_ABROAD,
      ground: 'service',
      method: 'file',
      occasion: 'recurring',
      minimumNecessary: true,
      transferBasis: HOSTING_TRANSFER_BASIS,
    },
  };
}

/** An invoice is settled through the billing partner, who answers for the data itself. */
export function invoiceSettled(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/billing/invoices',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [billed(person)],
      dataCategories: ['account.billing', person.organization === null ? 'identity.name' : 'identity.organization'],
      purpose: 'manage_accounts',
      legalBasis: 'contract',
      policyVersion: POLICY_VERSION,
      system: 'billing-1',
      actor: staff(random),
      recipient: { ...BILLING_PARTNER, reference: `WAFI-${random.hex(8)}` },
      ground: 'service',
      method: random.chance(0.8) ? 'api' : 'portal',
      occasion: 'recurring',
      minimumNecessary: true,
    },
  };
}

/** An account that behaves oddly is put before the partner who screens for fraud. */
export function fraudScreened(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/security/monitor',
    type: 'sijill.data.disclosed.v1',
    data: {
      dataSubjects: [appUser(person)],
      dataCategories: ['usage.ip_address', 'usage.device', 'contact.phone'],
      purpose: 'security_fraud_prevention',
      legalBasis: 'legitimate_interest',
      policyVersion: POLICY_VERSION,
      system: 'monitor-1',
      recipient: FRAUD_SCREENING,
      ground: 'protection',
      method: 'api',
      occasion: random.chance(0.9) ? 'once' : 'recurring',
      minimumNecessary: true,
    },
  };
}

/** The platform's own figures: how its accounts use it. */
export function measured(person: DemoPerson, random: SeededRandom): Draft {
  return {
    source: '/accounts/signup',
    type: 'sijill.data.used.v1',
    data: {
      dataSubjects: [accountHolder(person)],
      dataCategories: ['usage.pages', 'usage.access_time'],
      purpose: random.pick(['improve_performance', 'analytics']),
      legalBasis: 'legitimate_interest',
      policyVersion: POLICY_VERSION,
      system: 'figures-1',
      automatedDecision: false,
    },
  };
}

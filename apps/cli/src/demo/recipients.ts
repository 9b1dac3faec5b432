import type { DemoPerson } from './people.js';

/** Whoever the demo's platform hands data to. All are invented. */
export interface DemoRecipient {
  readonly id: string;
  readonly name: string;
  readonly kind: 'organization' | 'person';
  readonly class: 'service_provider' | 'authority' | 'partner';
  readonly capacity: 'processor' | 'controller' | 'joint_controller' | 'public_authority';
  readonly country: string;
  /** A person to ask there; sealed in the ledger. */
  readonly contact?: string;
  /** Under which the recipient itself finds it again; sealed in the ledger. */
  readonly reference?: string;
}

const provider = (id: string, name: string, country = 'SA'): DemoRecipient => ({
  id,
  name,
  kind: 'organization',
  class: 'service_provider',
  capacity: 'processor',
  country,
});

const authority = (id: string, name: string, contact: string): DemoRecipient => ({
  id,
  name,
  kind: 'organization',
  class: 'authority',
  capacity: 'public_authority',
  country: 'SA',
  contact,
});

const CARRIERS = [
  provider('carrier-najd', 'Najd Mobile'),
  provider('carrier-hijaz', 'Hijaz Telecom'),
  provider('carrier-tuwaiq', 'Tuwaiq Cellular'),
  provider('carrier-rimal', 'اتصالات الرمال'),
] as const;

/** A number is with one carrier, and stays there for the month. */
export function carrierOf(person: DemoPerson): DemoRecipient {
  return CARRIERS[(person.index * 7) % CARRIERS.length] as DemoRecipient;
}

export const HOSTING_ABROAD = provider('cloud-rheinland', 'Rheinland Cloud Hosting GmbH', 'DE');
export const HOSTING_TRANSFER_BASIS = 'standard_clauses';

export const BILLING_PARTNER: DemoRecipient = {
  id: 'partner-wafi',
  name: 'Wafi Payments',
  kind: 'organization',
  class: 'partner',
  capacity: 'controller',
  country: 'SA',
};

export const FRAUD_SCREENING: DemoRecipient = {
  id: 'partner-haris',
  name: 'Haris Fraud Screening',
  kind: 'organization',
  class: 'partner',
  capacity: 'joint_controller',
  country: 'SA',
};

export const COURT = authority('authority-court-9', 'المحكمة العامة، الدائرة التاسعة', 'Registry of the ninth circuit');
export const TELECOM_REGULATOR = authority(
  'authority-telecom',
  'Telecommunications Regulator',
  'Complaints department',
);

/** A person: the ledger seals the name and the id, and shows readers another id. */
export const COURT_EXPERT: DemoRecipient = {
  id: 'expert-17',
  name: 'Dr. Salma Al-Kitabani',
  kind: 'person',
  class: 'partner',
  capacity: 'controller',
  country: 'SA',
};

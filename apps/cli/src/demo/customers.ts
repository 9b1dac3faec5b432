import type { SeededRandom } from './seeded-random.js';

/** Whoever has messages sent by the demo's platform, which is then a processor. All are invented. */
export interface DemoCustomer {
  readonly id: string;
  readonly name: string;
  readonly kind: 'organization' | 'person';
}

const CUSTOMERS: readonly DemoCustomer[] = [
  { id: 'cust-101', name: 'Warda Dental Clinics', kind: 'organization' },
  { id: 'cust-102', name: 'مدارس الأفق', kind: 'organization' },
  { id: 'cust-103', name: 'Sahm Parcel Delivery', kind: 'organization' },
  { id: 'cust-104', name: 'Badr Al-Khazafi, potter', kind: 'person' },
];

export function aCustomer(random: SeededRandom): DemoCustomer {
  return random.pick(CUSTOMERS);
}

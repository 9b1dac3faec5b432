import type { Disclosure } from '@sijill/contracts';
import { buildAccounting, type AccountingDataset } from '@sijill/reports';

/** A disclosure as the read models give it; whatever is given replaces what is there. */
export function disclosure(n: number, other: Partial<Disclosure> = {}): Disclosure {
  return {
    entryId: `0190c9a4-0000-7000-8000-${String(n).padStart(12, '0')}`,
    occurredAt: new Date(Date.UTC(2026, 6, 1) + n * 3_600_000).toISOString(),
    recordedAt: new Date(Date.UTC(2026, 6, 1) + n * 3_600_000 + 40).toISOString(),
    recipient: {
      id: 'carrier-najd',
      name: 'Najd Mobile',
      class: 'service_provider',
      capacity: 'processor',
      country: 'SA',
    },
    dataCategories: ['contact.phone', 'message.content'],
    purpose: 'provide_services',
    legalBasis: 'contract',
    ground: 'service',
    method: 'api',
    occasion: 'recurring',
    request: null,
    minimumNecessary: true,
    transferBasis: null,
    policyVersion: '2026-06',
    producer: 'sms-gateway',
    system: 'gateway-3',
    source: '/sms/gateway',
    eventId: `event-${n}`,
    sealed: 'closed',
    ...other,
  };
}

/** The accounting of a person with these disclosures, given oldest first. */
export function accounting(disclosures: readonly Disclosure[]): AccountingDataset {
  return buildAccounting({
    parameters: { from: null, to: null, reason: 'access request 17', requestedBy: 'privacy-desk' },
    asOf: { position: 4711, time: '2026-08-01T00:00:00.000Z' },
    subject: {
      subjectId: '5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7b11',
      identifiers: [
        { scheme: 'phone', value: '+966500000042' },
        { scheme: 'email', value: 'layan@example.com' },
      ],
    },
    disclosures: [...disclosures].reverse(),
  });
}

import type { Disclosure } from '@sijill/contracts';
import {
  accountingHead,
  DisclosureCounts,
  publishedDisclosure,
  type AccountingDataset,
  type AccountingInput,
  type Audience,
  type ReportLanguage,
} from '@sijill/reports';

export const SUBJECT = '5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7b11';

/** A disclosure as the read models give it; whatever is given replaces what is there. */
export function disclosure(n: number, other: Partial<Disclosure> = {}): Disclosure {
  return {
    entryId: `0190c9a4-0000-7000-8000-${String(n).padStart(12, '0')}`,
    subjectId: SUBJECT,
    occurredAt: new Date(Date.UTC(2026, 6, 1) + n * 3_600_000).toISOString(),
    recordedAt: new Date(Date.UTC(2026, 6, 1) + n * 3_600_000 + 40).toISOString(),
    recipient: {
      id: 'carrier-najd',
      name: 'Najd Mobile',
      kind: 'organization',
      class: 'service_provider',
      capacity: 'processor',
      country: 'SA',
      contact: null,
      reference: null,
    },
    dataCategories: ['contact.phone', 'message.content'],
    purpose: 'provide_services',
    legalBasis: 'contract',
    ground: 'service',
    method: 'api',
    occasion: 'recurring',
    request: null,
    minimumNecessary: true,
    effectOnOthers: null,
    transferBasis: null,
    policyVersion: '2026-06',
    producer: 'sms-gateway',
    onBehalfOf: null,
    system: 'gateway-3',
    processingActivity: null,
    source: '/sms/gateway',
    eventId: `event-${n}`,
    standing: 'first',
    verdict: null,
    clauses: [],
    notices: [],
    sealed: 'closed',
    ...other,
  };
}

/** The accounting of a person with these disclosures, given oldest first. */
export function accounting(
  disclosures: readonly Disclosure[],
  subject: Partial<AccountingInput['subject']> = {},
  { language = 'en' as ReportLanguage, audience = 'officer' as Audience } = {},
): AccountingDataset {
  const known = { subjectId: SUBJECT, realm: null, since: null, until: null };
  const newestFirst = [...disclosures].reverse();
  const counts = new DisclosureCounts();
  newestFirst.forEach((each) => counts.add(each));
  const input = {
    language,
    parameters: { from: null, to: null, audience, reason: 'access request 17', requestedBy: 'privacy-desk' },
    asOf: { position: 4711, time: '2026-08-01T00:00:00.000Z' },
    subject: {
      subjectId: SUBJECT,
      linked: [],
      identifiers: [
        { ...known, scheme: 'phone', value: '+966500000042' },
        { ...known, scheme: 'email', value: 'layan@example.com' },
      ],
      openConflicts: 0,
      ...subject,
    },
  };
  return { ...accountingHead(input, counts), disclosures: newestFirst.map(publishedDisclosure) };
}

import { newEntryId } from '@sijill/platform';
import type { NewEntry } from '@sijill/event-store';

export const SUBJECTS = ['aa', 'bb', 'cc'].map((end) => `5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7b${end}`);

/** A disclosure as it lies in the store; `event` is its identity, `digest` tells a repeat from a conflict. */
export function disclosureEntry(
  event: string,
  options: { digest?: string; part?: { index: number; of: number }; n?: number } = {},
): NewEntry {
  const { digest = event, part, n = 0 } = options;
  return {
    id: newEntryId(),
    type: n % 5 === 4 ? 'sijill.data.collected.v1' : 'sijill.data.disclosed.v1',
    data: {
      subjectId: SUBJECTS[n % 3]!,
      role: 'user',
      // Many of one instant, so that ties must be told apart; letters that locales sort in their own way.
      occurredAt: new Date(Date.UTC(2026, 6, 1 + Math.floor(n / 20))).toISOString(),
      dataCategories: ['contact.phone'],
      purpose: 'provide_services',
      legalBasis: 'contract',
      recipient: { id: ['carrier', 'Ähre', 'ölwerk', 'محكمة'][n % 4]!, name: 'x', class: 'partner' },
      sealed: 'x',
    },
    metadata: {
      recordedAt: new Date(Date.UTC(2026, 7, 1)).toISOString(),
      producer: null,
      source: '/sms/gateway',
      eventId: event,
      digest,
      salt: 'x',
      ...(part === undefined ? {} : { part }),
    },
  };
}

import type { ProducerEventOf } from './producer-event.js';

/** A disclosure with everything a disclosure usually says, for documents and tests. The numbers are nobody's. */
export const EXAMPLE_EVENT: ProducerEventOf<'sijill.data.disclosed.v1'> = {
  specversion: '1.0',
  id: '0f6d7c1e-52a4-4c0b-9d52-6a1f5f0c7b11',
  source: '/sms/gateway',
  type: 'sijill.data.disclosed.v1',
  time: '2026-07-01T09:15:02.114Z',
  datacontenttype: 'application/json',
  sequence: '1042',
  data: {
    dataSubjects: [
      {
        identifiers: [
          { scheme: 'phone', value: '+966500000042' },
          { scheme: 'account', value: 'acc-42' },
        ],
        role: 'message_recipient',
      },
    ],
    dataCategories: ['contact.phone', 'message.content'],
    purpose: 'provide_services',
    legalBasis: 'contract',
    policyVersion: '2026-06',
    system: 'gateway-3',
    actor: 'router',
    recipient: {
      id: 'carrier-najd',
      name: 'Najd Mobile',
      kind: 'organization',
      class: 'service_provider',
      capacity: 'processor',
      country: 'SA',
    },
    ground: 'service',
    method: 'api',
    occasion: 'recurring',
    minimumNecessary: true,
  },
};

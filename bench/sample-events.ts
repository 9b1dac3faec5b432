/** Disclosures of one-time passwords to carriers, about two thousand people, as a platform sends them. */
export function* sampleEvents(count: number): Generator<object> {
  for (let i = 0; i < count; i++) {
    const person = (i * 7919) % 2000;
    yield {
      specversion: '1.0',
      id: `bench-${i}`,
      source: '/sms/gateway',
      type: 'sijill.data.disclosed.v1',
      time: new Date(Date.UTC(2026, 6, 1) + i * 100).toISOString(),
      datacontenttype: 'application/json',
      sequence: String(i),
      data: {
        dataSubjects: [
          {
            identifiers: [
              { scheme: 'phone', value: `+96650000${String(person).padStart(4, '0')}` },
              { scheme: 'account', value: `acc-${person}` },
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
          id: 'carrier-stc',
          name: 'Saudi Telecom',
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
  }
}

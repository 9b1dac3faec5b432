import { EXAMPLE_EVENT } from '@sijill/contracts';

/** Disclosures of one-time passwords to a carrier, about two thousand people, as a platform sends them. */
export function* sampleEvents(count: number): Generator<object> {
  for (let i = 0; i < count; i++) {
    const person = (i * 7919) % 2000;
    const identifiers = [
      { scheme: 'phone', value: `+96650000${String(person).padStart(4, '0')}` },
      { scheme: 'account', value: `acc-${person}` },
    ];
    yield {
      ...EXAMPLE_EVENT,
      id: `bench-${i}`,
      time: new Date(Date.UTC(2026, 6, 1) + i * 100).toISOString(),
      sequence: String(i),
      data: { ...EXAMPLE_EVENT.data, dataSubjects: [{ identifiers, role: 'message_recipient' }] },
    };
  }
}

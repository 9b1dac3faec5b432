import { EXAMPLE_EVENT } from '@sijill/contracts';

/** Disclosures of one-time passwords to a carrier, about two thousand people, as a platform sends them. */
export function* sampleEvents(count: number, people = 2000, name = 'bench'): Generator<object> {
  for (let i = 0; i < count; i++) {
    const person = (i * 7919) % people;
    const identifiers = [
      { scheme: 'phone', value: `+96650000${String(person).padStart(4, '0')}` },
      { scheme: 'account', value: `acc-${person}` },
    ];
    yield {
      ...EXAMPLE_EVENT,
      id: `${name}-${i}`,
      time: new Date(Date.UTC(2026, 6, 1) + i * 100).toISOString(),
      sequence: String(i),
      data: { ...EXAMPLE_EVENT.data, dataSubjects: [{ identifiers, role: 'message_recipient' }] },
    };
  }
}

/** The same as bodies of requests: arrays of so many events each, as JSON. */
export function sampleBodies(events: Iterable<object>, batch: number): Buffer[] {
  return [...inBatches([...events], batch)].map((each) => Buffer.from(JSON.stringify(each)));
}

/** Cuts a list into runs of so many items; the last may be shorter. */
export function* inBatches<Item>(items: readonly Item[], size: number): Generator<Item[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size);
}

import { planOf, validateEvent, type ProducerEventType } from '@sijill/contracts';
import { normalizeIdentifier } from '@sijill/vault';
import { billingAccountOf } from './subjects.js';
import type { DemoEvent, DemoSubject } from './traffic.js';
import { demoPeople, demoTraffic, PROTAGONIST_DISCLOSURES, phoneSpellings, theProtagonist } from './traffic.js';

const start = new Date('2026-06-01T00:00:00.000Z');
const month = (seed: number): DemoEvent[] => [...demoTraffic({ seed, start })];
const e164 = (value: string): unknown => normalizeIdentifier({ scheme: 'phone', value }, 'SA');

describe('the demo traffic', () => {
  const events = month(7);
  const firsts = firstSent(events);

  test('is a month of at least 21,000 events, made in about a second', () => {
    const begun = process.cpuUsage();
    const again = month(7);
    // Of the processor's time: the machine may have more to do.
    expect(process.cpuUsage(begun).user / 1000).toBeLessThan(3000);
    expect(again).toHaveLength(21_000);
  });

  test('is the same, byte for byte, under the same seed, and another under another', () => {
    const traffic = demoTraffic({ seed: 7, start, events: 3000 });
    const text = JSON.stringify([...traffic]);
    expect(JSON.stringify([...traffic])).toBe(text);
    expect(JSON.stringify([...demoTraffic({ seed: 7, start, events: 3000 })])).toBe(text);
    expect(JSON.stringify([...demoTraffic({ seed: 8, start, events: 3000 })])).not.toBe(text);
  });

  test('holds nothing that the contract refuses', () => {
    for (const event of events) {
      const faults = validateEvent(event);
      if (faults.length > 0) throw new Error(`${event.type}: ${JSON.stringify(faults)}`);
    }
  });

  test('lies within the month, in the order of time but for late repeats', () => {
    const times = events.map((event) => Date.parse(event.time));
    expect(Math.min(...times)).toBeGreaterThanOrEqual(start.getTime());
    expect(Math.max(...times)).toBeLessThan(start.getTime() + 30 * 86_400_000);
    const seen = new Set<string>();
    let latest = 0;
    for (const event of events) {
      const repeat = seen.has(`${event.source} ${event.id}`);
      seen.add(`${event.source} ${event.id}`);
      if (!repeat && Date.parse(event.time) < latest) throw new Error(`out of order: ${event.id}`);
      latest = Math.max(latest, Date.parse(event.time));
    }
  });

  test('numbers the events of each producer without a gap', () => {
    const counters = new Map<string, number>();
    for (const event of firsts) {
      const reached = counters.get(event.source) ?? 0;
      if (event.type === 'sijill.producer.heartbeat.v1') {
        expect([event.sequence, event.data['sequence']]).toEqual([undefined, String(reached)]);
        continue;
      }
      expect(event.sequence).toBe(String(reached + 1));
      counters.set(event.source, reached + 1);
    }
    expect([...counters.keys()].sort()).toEqual([
      '/accounts/signup',
      '/billing/invoices',
      '/campaigns/sender',
      '/contacts/upload',
      '/hosting/backups',
      '/legal/desk',
      '/lifecycle/retention',
      '/otp/service',
      '/security/monitor',
      '/sms/gateway',
      '/support/desk',
    ]);
  });

  test('holds twenty repeats and one conflict', () => {
    const bodies = new Map<string, string>();
    const doubles = { repeat: 0, conflict: 0 };
    for (const event of events) {
      const key = `${event.source} ${event.id}`;
      const body = JSON.stringify(event);
      const first = bodies.get(key);
      if (first === undefined) bodies.set(key, body);
      else doubles[first === body ? 'repeat' : 'conflict']++;
    }
    expect(doubles).toEqual({ repeat: 20, conflict: 1 });
  });

  test('tells every story', () => {
    const types = new Set(events.map((event) => event.type));
    for (const type of [
      'data.collected',
      'data.used',
      'data.disclosed',
      'data.deleted',
      'data.corrected',
      'consent.granted',
      'consent.withdrawn',
      'objection.raised',
      'objection.lifted',
      'request.received',
      'request.extended',
      'request.answered',
      'request.refused',
      'subject.minor_identified',
      'identifier.released',
      'producer.heartbeat',
      'breach.detected',
      'breach.reported',
    ]) {
      expect(types).toContain(`sijill.${type}.v1`);
    }
    const uploads = events.filter((event) => event.source === '/contacts/upload');
    expect(Math.max(...uploads.map((event) => subjectsOf(event).length))).toBeGreaterThan(20);
    expect(new Set(events.map((event) => event.data['reason']))).toEqual(
      new Set([
        undefined,
        'request',
        'retention_expired',
        'child',
        'purpose_ended',
        'consent_withdrawn',
        'the data lies in many systems',
        'who asked did not show who they are',
      ]),
    );
  });

  test('advertises to nobody without an earlier consent, and after an objection to three people only', () => {
    const standing = new Map<string, 'consented' | 'objected' | 'withdrawn'>();
    const owners = ownersOfIdentifiers(7);
    const overlooked = new Set<number>();
    for (const event of firsts) {
      const [subject] = subjectsOf(event);
      const key = String(owners(subject?.identifiers[0]));
      if (event.type === 'sijill.consent.granted.v1') standing.set(key, 'consented');
      if (event.type === 'sijill.consent.withdrawn.v1') standing.set(key, 'withdrawn');
      if (event.type === 'sijill.objection.raised.v1') standing.set(key, 'objected');
      if (event.type === 'sijill.objection.lifted.v1') standing.set(key, 'consented');
      if (event.type !== 'sijill.data.disclosed.v1' || event.data['purpose'] !== 'marketing') continue;
      if (standing.get(key) === 'objected') overlooked.add(Number(key));
      else expect(standing.get(key)).toBe('consented');
    }
    expect(overlooked.size).toBe(3);
    expect(overlooked).toContain(theProtagonist.index);
  });

  test('gives the protagonist the history that is promised', () => {
    const owners = ownersOfIdentifiers(7);
    const theirs = firsts.filter((event) =>
      subjectsOf(event).some((subject) => owners(subject.identifiers[0]) === theProtagonist.index),
    );
    const disclosures = theirs.filter((event) => event.type === 'sijill.data.disclosed.v1');
    expect(disclosures).toHaveLength(PROTAGONIST_DISCLOSURES);
    expect(disclosures.filter((event) => event.data['request'] !== undefined)).toHaveLength(1);
    expect(theirs.length).toBeGreaterThan(25);
  });

  test('names each person by identifiers that are nobody else’s', () => {
    const owners = ownersOfIdentifiers(7);
    for (const event of events) {
      for (const subject of subjectsOf(event)) {
        const named = new Set(subject.identifiers.map(owners));
        if (named.size !== 1 || named.has(undefined)) throw new Error(`not one known person: ${event.id}`);
      }
    }
  });

  test('read in its order, leads to one data subject for each person', () => {
    const owners = ownersOfIdentifiers(7);
    const directory = new Map<string, string>();
    const subjects = new Map<number | undefined, string>();
    for (const { identifiers } of events.flatMap(subjectsOf)) {
      const keys = identifiers.map(
        (identifier) =>
          `${identifier.scheme} ${identifier.realm ?? ''} ${String(normalizeIdentifier(identifier, 'SA'))}`,
      );
      const known = keys.map((key) => directory.get(key)).filter((subject) => subject !== undefined);
      const subject = known[0] ?? `subject ${directory.size}`;
      if (known.some((other) => other !== subject)) throw new Error(`two subjects meet in ${keys.join(', ')}`);
      for (const key of keys) directory.set(key, subject);
      const owner = owners(identifiers[0]);
      if ((subjects.get(owner) ?? subject) !== subject) throw new Error(`a second subject for person ${owner}`);
      subjects.set(owner, subject);
    }
    expect(subjects.size).toBeGreaterThan(1900);
  });

  test('acts for customers, is approved, tells of other people, and says whose ids it means', () => {
    const disclosures = firsts.filter((event) => event.type === 'sijill.data.disclosed.v1');
    const kinds = (field: string): Set<unknown> =>
      new Set(disclosures.map(({ data }) => (data[field] as { kind: string } | undefined)?.kind));
    expect(kinds('recipient')).toEqual(new Set(['organization', 'person']));
    expect(kinds('onBehalfOf')).toEqual(new Set([undefined, 'organization', 'person']));
    expect(
      disclosures.some(({ data }) => data['approvedBy'] !== undefined && data['effectOnOthers'] !== undefined),
    ).toBe(true);
    const identifiers = firsts.flatMap(subjectsOf).flatMap((subject) => subject.identifiers);
    expect(new Set(identifiers.map(({ realm }) => realm))).toEqual(new Set([undefined, 'billing']));
    expect(new Set(identifiers.map(({ verified }) => verified))).toEqual(new Set([undefined, false]));
  });

  test('uses no word that the ledger would have to seal', () => {
    for (const { type, data } of firsts) {
      for (const [field, plan] of Object.entries(planOf(type as ProducerEventType))) {
        if (plan.kind === 'word' && data[field] !== undefined) expect(plan.words).toContain(data[field]);
      }
    }
  });

  test('names a closed account never again', () => {
    const closed = new Set<string>();
    for (const event of firsts) {
      for (const { identifiers } of subjectsOf(event)) {
        for (const { scheme, value, realm } of identifiers) {
          if (scheme !== 'account' || realm !== undefined) continue;
          if (closed.has(value)) throw new Error(`${event.type} of a closed account`);
          if (event.type === 'sijill.identifier.released.v1') closed.add(value);
        }
      }
    }
    expect(closed.size).toBe(6);
  });

  test('keeps names and organizations inside details', () => {
    const names = demoPeople(7).flatMap(({ name, organization }) => [
      name.latin,
      name.arabic,
      ...(organization === null ? [] : [organization.latin, organization.arabic]),
    ]);
    const everyName = new RegExp([...new Set(names)].join('|'));
    let inDetails = 0;
    for (const event of events) {
      const details: unknown[] = [];
      const clear = JSON.stringify(event, (name, value: unknown) =>
        name === 'details' ? void details.push(value) : value,
      );
      expect(everyName.test(clear)).toBe(false);
      if (everyName.test(JSON.stringify(details))) inDetails++;
    }
    expect(inDetails).toBeGreaterThan(200);
  });

  test('is larger on demand, and a smaller platform has the same stories', () => {
    const small = [...demoTraffic({ seed: 3, start, people: 200, days: 2, events: 600 })];
    expect(small).toHaveLength(600);
    expect(small.some((event) => event.source === '/legal/desk')).toBe(true);
    expect(() => demoTraffic({ seed: 3, start, people: 20 })).toThrow(RangeError);
  });
});

describe('the people of the demo', () => {
  test('share no identifier, and a longer list begins with the shorter', () => {
    const people = demoPeople(7, 10_000);
    const identifiers = people.flatMap(({ phone, account, email, device }) => [phone, account, email, device]);
    const given = identifiers.filter((identifier) => identifier !== null);
    expect(new Set(given).size).toBe(given.length);
    expect(people.slice(0, 300)).toEqual(demoPeople(7, 300));
    expect(people[theProtagonist.index]).toBe(theProtagonist);
  });

  test('have phones that every spelling leads to', () => {
    for (const spelling of phoneSpellings('+966500000042')) expect(e164(spelling)).toBe('+966500000042');
  });
});

const subjectsOf = ({ data }: DemoEvent): readonly DemoSubject[] => data.dataSubjects ?? [];

function firstSent(events: readonly DemoEvent[]): DemoEvent[] {
  const seen = new Set<string>();
  return events.filter(({ source, id }) => {
    const known = seen.has(`${source} ${id}`);
    seen.add(`${source} ${id}`);
    return !known;
  });
}

/** Whose an identifier is, by index, however it is spelled. */
function ownersOfIdentifiers(
  seed: number,
): (identifier: { scheme: string; value: string } | undefined) => number | undefined {
  const owners = new Map<string, number>();
  for (const person of demoPeople(seed)) {
    const { index, phone, account, email, device } = person;
    for (const spelling of phoneSpellings(phone)) owners.set(`phone ${spelling}`, index);
    owners.set(`account ${account}`, index);
    owners.set(`account ${billingAccountOf(person)}`, index);
    owners.set(`email ${email}`, index);
    owners.set(`device ${device}`, index);
  }
  return (identifier) => {
    const value = identifier?.value.trim();
    return owners.get(`${identifier?.scheme} ${identifier?.scheme === 'email' ? value?.toLowerCase() : value}`);
  };
}

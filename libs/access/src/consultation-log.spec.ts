import { writeEntry, type JsonObject, type Lane, type NewEntry } from '@sijill/event-store';
import { hash, randomBytes } from 'node:crypto';
import { contextOf, secretOf, SubjectErased, unseal, type Secret, type Secrets } from '@sijill/vault';
import { CONSULTED, ConsultationLog, type Consultation } from './consultation-log.js';

const NOON = Date.parse('2026-07-01T12:00:00.000Z');
const KNOWN = '018f3c1e-0000-7000-8000-000000000001';
const GONE = '018f3c1e-0000-7000-8000-000000000002';

/** The secrets of a vault that knows one subject. */
function secretsOf(): { secrets: Secrets; made: Map<string, Secret> } {
  const made = new Map<string, Secret>();
  const of = (keyId: string): Promise<Secret> => {
    const secret = made.get(keyId) ?? secretOf(keyId, randomBytes(32));
    made.set(keyId, secret);
    return Promise.resolve(secret);
  };
  const secrets = {
    hasSubject: (subjectId: string) => Promise.resolve(subjectId === KNOWN),
    ofSubject: (subjectId: string, { retentionClass, year }: { retentionClass: string; year: number }) =>
      subjectId === KNOWN
        ? of(`subject/${subjectId}/1/${retentionClass}/self/${year}`)
        : Promise.reject(new SubjectErased(subjectId)),
    ofStaff: (year: number) => of(`staff/${year}`),
    ofLedger: (year: number) => of(`ledger/${year}`),
  };
  return { secrets: secrets as unknown as Secrets, made };
}

async function recorded(consultation: Partial<Consultation>): Promise<{
  entry: NewEntry;
  opened: (part: string) => unknown;
}> {
  const { secrets, made } = secretsOf();
  const entries: NewEntry[] = [];
  const lane = {
    append: (batch: NewEntry[]) => {
      // As they are stored.
      entries.push(...batch.map((each) => ({ ...each, data: JSON.parse(writeEntry(each).data) as JsonObject })));
      return Promise.resolve({ revision: 0, position: 7 });
    },
  } as unknown as Lane;
  const log = new ConsultationLog({ secrets }, () => Promise.resolve(lane), { now: () => NOON });
  const answer = await log.record({
    what: 'disclosures',
    subjectId: KNOWN,
    found: true,
    reason: 'access request 17',
    reader: { keyId: 'k0', name: 'Noura', principal: 'p00000000000a', roles: ['officer'] },
    ...consultation,
  });
  const [entry] = entries;
  expect(answer).toEqual({ entryId: entry!.id, position: 7 });
  const opened = (part: string): unknown => {
    const text = entry!.sealed![part]!;
    const { keys } = entry!.metadata as { keys: Record<string, string> };
    return JSON.parse(unseal(made.get(keys[part]!)!, contextOf(text), text).toString());
  };
  return { entry: entry!, opened };
}

describe('the record of a consultation', () => {
  it('names principal and person in clear, and neither the reader nor the reason', async () => {
    const { entry, opened } = await recorded({ about: { entryId: 'e1' } });
    expect(entry).toMatchObject({
      type: CONSULTED,
      data: {
        consulted: 'disclosures',
        found: true,
        keyId: 'k0',
        roles: ['officer'],
        subjectId: KNOWN,
        about: { entryId: 'e1' },
        has: ['actor', 'reason'],
        sealed: {
          staff: hash('sha256', entry.sealed!['staff']!, 'base64url'),
          subject: hash('sha256', entry.sealed!['subject']!, 'base64url'),
        },
      },
      metadata: {
        principal: 'p00000000000a',
        keys: { staff: 'staff/2026', subject: `subject/${KNOWN}/1/default/self/2026` },
      },
    });
    expect(JSON.stringify(entry)).not.toMatch(/Noura|access request/);
    expect(opened('staff')).toEqual({ actor: 'Noura' });
    expect(opened('subject')).toEqual({ fields: { reason: 'access request 17' } });
    expect(contextOf(entry.sealed!['subject']!)).toBe(`${entry.id}/subject`);
  });

  it.each([
    ['about nobody', null],
    ['about an id that has no key any more', GONE],
  ])('%s has its reason sealed with the ledger’s key', async (_, subjectId) => {
    const { entry, opened } = await recorded({ subjectId, found: false });
    expect(Object.keys(entry.sealed!).sort()).toEqual(['ledger', 'staff']);
    expect(opened('ledger')).toEqual({ fields: { reason: 'access request 17' } });
    expect(entry.data['subjectId'] ?? null).toBe(subjectId);
  });

  it('without a reason seals the reader alone', async () => {
    const { entry } = await recorded({ reason: null });
    expect(Object.keys(entry.sealed!)).toEqual(['staff']);
    expect(entry.data['has']).toEqual(['actor']);
  });
});

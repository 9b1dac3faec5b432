import { ENTRY_FORMAT, sealedHash, type JsonObject, type NewEntry } from '@sijill/event-store';
import { newEntryId } from '@sijill/platform';
import { openingWith, type OpenerFor } from '@sijill/read-models';
import { canonicalJson } from '@sijill/transparency';
import { seal, secretOf, type Secret } from '@sijill/vault';

export const SUBJECTS = ['aa', 'bb', 'cc'].map((end) => `5b1f2d2c-51a0-4f0e-9d52-0a1f5f0c7b${end}`);

export interface DisclosureOptions {
  /** Tells a repeat from a conflict. */
  readonly digest?: string;
  readonly part?: { readonly index: number; readonly of: number };
  /** Whose, when and to whom; many of one instant. */
  readonly n?: number;
  readonly subjectId?: string;
  readonly generation?: string;
  readonly producer?: string;
  /** Open members of the event's data beside the usual ones. */
  readonly data?: JsonObject;
  /** Sealed ones, by their paths. */
  readonly fields?: JsonObject;
}

/** A disclosure as it lies in the store; `event` is its identity, and the id that its producer gave it. */
export function disclosureEntry(event: string, options: DisclosureOptions = {}): NewEntry {
  const { digest = event, part, n = 0, subjectId = SUBJECTS[n % 3]!, generation = '2026Q3' } = options;
  const { producer = 'gateway', data = {}, fields = {} } = options;
  const id = newEntryId();
  const secret = secretOfSubject(subjectId);
  const own = seal(secret, `${id}/subject`, canonicalJson({ eventId: event, fields, identifiers: [] }));
  return {
    id,
    type: n % 5 === 4 ? 'sijill.data.collected.v1' : 'sijill.data.disclosed.v1',
    data: {
      subjectId,
      role: 'user',
      // Many of one instant, so that ties must be told apart; letters that locales sort in their own way.
      occurredAt: new Date(Date.UTC(2026, 6, 1 + Math.floor(n / 20))).toISOString(),
      dataCategories: ['contact.phone'],
      purpose: 'provide_services',
      legalBasis: 'contract',
      recipient: { id: ['carrier', 'Ähre', 'ölwerk', 'محكمة'][n % 4]!, name: 'x', class: 'partner' },
      sealed: { subject: sealedHash(own) },
      ...data,
    },
    metadata: {
      event: { generation, tag: `tag-of-${event}`, digest },
      format: ENTRY_FORMAT,
      keys: { subject: secret.keyId },
      principal: 'p0123456789ab',
      producer,
      recordedAt: new Date(Date.UTC(2026, 7, 1)).toISOString(),
      salt: 'x',
      source: '/sms/gateway',
      vault: 1,
      ...(part === undefined ? {} : { part: { ...part } }),
    },
    sealed: { subject: own },
  };
}

/** A record in quarantine, with what it may have been sealed. */
export function quarantineEntry(offset: number, identity: { source: string; eventId: string } | null): NewEntry {
  const id = newEntryId();
  const secret = secretOfHolder(`quarantine/${id}`);
  const raw = seal(secret, `${id}/quarantine`, '{"oops"');
  const named = identity === null ? null : seal(secret, `${id}/identity`, canonicalJson(identity));
  const sealed = { ...(named === null ? {} : { identity: named }), quarantine: raw };
  return {
    id,
    type: 'sijill.entry.quarantined.v1',
    data: {
      reason: { code: 'invalid_json', message: 'is no JSON' },
      size: 7,
      sealed: Object.fromEntries(Object.entries(sealed).map(([name, text]) => [name, sealedHash(text)])),
    },
    metadata: {
      format: ENTRY_FORMAT,
      kafka: { cluster: 'c', topic: 't', partition: 0, offset },
      principal: 'topic/t',
      producer: 'gateway',
      recordedAt: '2026-08-01T00:00:00.000Z',
      salt: 'x',
    },
    sealed,
  };
}

/** Opens what these entries have sealed, for everybody whose keys were not destroyed. */
export function opening(destroyed: readonly string[] = []): OpenerFor {
  return openingWith(secretsWithout(destroyed));
}

/** The keys of these entries, without those of some subjects or quarantine entries. */
export function secretsWithout(destroyed: readonly string[] = []): {
  byIds(keyIds: readonly string[]): Promise<ReadonlyMap<string, Secret>>;
} {
  return {
    byIds: async (keyIds) =>
      new Map(
        keyIds
          .filter((keyId) => !destroyed.some((holder) => keyId.includes(holder)))
          .map((keyId) => [keyId, secretOfHolder(keyId)]),
      ),
  };
}

function secretOfSubject(subjectId: string): Secret {
  return secretOfHolder(`subject/${subjectId}/1/default/self/2026`);
}

function secretOfHolder(keyId: string): Secret {
  return secretOf(keyId, Buffer.from(keyId.padEnd(32).slice(-32)));
}

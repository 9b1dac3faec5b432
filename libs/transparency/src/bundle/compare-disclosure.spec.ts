import type { LeafEntry } from '../leaf-entry.js';
import { compareDisclosure } from './compare-disclosure.js';

const leaf = (data: object): LeafEntry => ({
  id: 'entry-1',
  type: 'sijill.data.disclosed.v1',
  lane: 'ledger-http/0',
  revision: 0,
  data: {
    subjectId: 's',
    occurredAt: 'then',
    dataCategories: ['contact.phone'],
    recipient: { id: 'carrier', name: 'Carrier', kind: 'organization', class: 'partner' },
    sealed: { subject: 'x' },
    ...data,
  },
  metadata: { recordedAt: 'now', producer: 'app', source: '/app' },
});
const disclosure = (changed: object = {}): Record<string, unknown> => ({
  entryId: 'entry-1',
  subjectId: 's',
  occurredAt: 'then',
  recordedAt: 'now',
  dataCategories: ['contact.phone'],
  recipient: { id: 'carrier', name: 'Carrier', kind: 'organization', class: 'partner', contact: null, reference: null },
  producer: 'app',
  source: '/app',
  standing: 'first',
  sealed: 'closed',
  ...changed,
});
const compare = (changed: object, data: object = {}): ReturnType<typeof compareDisclosure> =>
  compareDisclosure(disclosure(changed), leaf(data), { is: 'first', orOther: true });

describe('a disclosure beside its leaf', () => {
  it('says what the leaf says, and of what is sealed there whatever was opened', () => {
    expect(compare({})).toEqual({ differing: null, notCompared: [] });
    const sealed = { has: ['effectOnOthers', 'recipient.contact', 'request.reference'] };
    const opened = {
      effectOnOthers: 'none',
      recipient: { ...(disclosure()['recipient'] as object), contact: 'Desk 4' },
      request: { reference: '12/7', sha256: null },
      eventId: 'event-1',
    };
    expect(compare(opened, sealed)).toEqual({
      differing: null,
      notCompared: ['eventId', 'effectOnOthers', 'recipient.contact', 'request.reference'],
    });
    // Closed, or destroyed since.
    expect(compare({ sealed: 'destroyed' }, sealed)).toEqual({ differing: null, notCompared: [] });
  });

  it.each([
    ['effectOnOthers', { effectOnOthers: 'none' }],
    ['request.reference', { request: { reference: '12/7' } }],
    ['recipient.contact', { recipient: { ...(disclosure()['recipient'] as object), contact: 'Desk 4' } }],
    ['onBehalfOf.id', { onBehalfOf: { id: 'shop' } }],
  ])('says nothing in %s that the leaf does not have at all', (member, changed) => {
    expect(compare(changed).differing).toBe(member);
  });

  it('has a word of its own only where the leaf says that there is another', () => {
    expect(compare({ method: 'by pigeon' }, { method: 'other' })).toEqual({ differing: null, notCompared: ['method'] });
    for (const same of ['other', null]) expect(compare({ method: same }, { method: 'other' }).notCompared).toEqual([]);
    expect(compare({ method: 'by pigeon' }, { method: 'api' }).differing).toBe('method');
    expect(compare({ purpose: 'marketing' }, { purpose: 'other' }).differing).toBe('purpose');
  });

  it('names each member that no leaf shows, the ledger’s own word and one that it has no business with', () => {
    const own = { verdict: 'allowed', clauses: ['use.audit'], notices: [], note: 'x', 'recipient.id': 'y' };
    expect(compare(own)).toEqual({ differing: null, notCompared: ['verdict', 'clauses', 'note', '"recipient.id"'] });
  });
});

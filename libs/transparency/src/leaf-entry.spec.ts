import { canonicalJson } from './canonical-json.js';
import { KEY_INTRODUCED, KEYS_LANE, readAnnouncement } from './keys/announcement.js';
import { readAnyLeaf, readLeaf } from './leaf-entry.js';
import { FormatInvalid } from './primitives/bytes.js';

const entry = { data: { a: 1 }, id: 'i', lane: 'ledger-a', metadata: { format: 2 }, revision: 3, type: 't' };
const foreign = { foreign: true, lane: 'ledger-log-keys', revision: 3, sha256: 'ab'.repeat(32) };

describe('a leaf', () => {
  it('is read as an entry', () => {
    expect(readLeaf(canonicalJson(entry))).toEqual(entry);
    expect(readAnyLeaf(canonicalJson(entry))).toEqual(entry);
  });

  it('of a foreign event is read by whoever shows it, and believed by nobody', () => {
    expect(readAnyLeaf(canonicalJson(foreign))).toEqual(foreign);
    expect(() => readLeaf(canonicalJson(foreign))).toThrow(/not written/);
    expect(() => readAnnouncement(readLeaf(canonicalJson({ ...foreign, lane: KEYS_LANE })))).toThrow(FormatInvalid);
    expect(KEY_INTRODUCED).toMatch(/^sijill\./);
  });

  it.each([
    'x',
    'null',
    '[]',
    '{}',
    ` ${canonicalJson(entry)}`,
    canonicalJson(entry).replace('"id":"i"', '"id":"h","id":"i"'),
    canonicalJson({ ...entry, foreign: true }),
    canonicalJson({ ...entry, foreign: false }),
    canonicalJson({ ...entry, more: 1 }),
    canonicalJson({ ...entry, data: [] }),
    canonicalJson({ ...entry, metadata: null }),
    canonicalJson({ ...entry, revision: 1.5 }),
    canonicalJson({ ...entry, revision: -1 }),
    canonicalJson({ ...foreign, foreign: 1 }),
    canonicalJson({ ...foreign, sha256: 'AB'.repeat(32) }),
    canonicalJson({ ...foreign, sha256: 'ab' }),
    canonicalJson({ ...foreign, id: 'i' }),
    canonicalJson({ ...foreign, lane: null }),
  ])('is nothing else: %s', (text) => {
    expect(() => readAnyLeaf(text)).toThrow(FormatInvalid);
  });
});

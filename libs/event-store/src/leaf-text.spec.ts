import { canonicalJson } from '@sijill/transparency';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { ownLeafHash } from './leaf-hash.js';
import { foreignLeafText, leafText, ownLeafText } from './leaf-text.js';

describe('the leaf of an entry', () => {
  it('is canonical JSON of id, lane, revision, type and both bodies', () => {
    const entry = {
      id: '01939c5e-0000-7000-8000-000000000001',
      type: 'sijill.data."disclosed".v1 \u0007 ة',
      data: { z: [1, { b: null, a: 2.5e-7 }], 10: 'ten', 9: 'nine' },
      metadata: { salt: 'كلمة', part: { of: 2, index: 0 } },
    };
    const text = leafText({
      ...entry,
      stream: 'ledger-a"b',
      revision: 12,
      foreign: false,
      data: canonicalJson(entry.data),
      metadata: canonicalJson(entry.metadata),
    });
    expect(text).toBe(canonicalJson({ ...entry, lane: 'ledger-a"b', revision: 12 }));
  });

  it('has one hash, whatever its length, also where it is put together without its text', () => {
    const text = fc.string({ unit: 'binary', maxLength: 2_000 });
    const length = fc.constantFrom(1, 1, 30);
    fc.assert(
      fc.property(text, length, fc.string(), fc.nat(), (value, times, type, revision) => {
        const data = canonicalJson({ value: value.toWellFormed().repeat(times) });
        const parts = { id: 'i', type, stream: 'ledger-"', revision, data };
        const whole = ownLeafText({ ...parts, metadata: '{"a":1}' });
        expect(ownLeafHash(parts, '{"a":1')).toBe(createHash('sha256').update(`\u0000${whole}`).digest('hex'));
      }),
    );
  });

  it('of a foreign event says where it stands and what its digest is, and nothing else', () => {
    const parts = { stream: 'ledger-a"b', revision: 2, sha256: 'ab' };
    const text = '{"foreign":true,"lane":"ledger-a\\"b","revision":2,"sha256":"ab"}';
    expect(foreignLeafText(parts)).toBe(text);
    expect(leafText({ ...parts, foreign: true, id: 'i', type: 't', data: '{}', metadata: '{}' })).toBe(text);
  });
});

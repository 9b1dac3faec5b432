import { canonicalJson } from '@sijill/transparency';
import { leafText } from './leaf-text.js';

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
      position: 99,
      data: canonicalJson(entry.data),
      metadata: canonicalJson(entry.metadata),
    });
    expect(text).toBe(canonicalJson({ ...entry, lane: 'ledger-a"b', revision: 12 }));
  });
});

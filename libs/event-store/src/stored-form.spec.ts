import { canonicalJson } from '@sijill/transparency';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { measured, writeEntry } from './append-limits.js';
import { entryAuthenticator } from './authenticator.js';
import { fileLane, httpLane, kafkaLane, nodeLane } from './lane-names.js';
import { ownLeafHash } from './leaf-hash.js';
import { ownLeafText } from './leaf-text.js';
import { AUTHENTICATOR_BYTES, authenticatedText, readBeside, splitMetadata, storedMetadata } from './stored-form.js';

const member = fc.stringMatching(/^[a-z]{1,6}$/);
const value = fc.oneof(
  fc.string({ unit: 'grapheme' }),
  fc.integer(),
  fc.constantFrom(',"~":{', '"~":{', '~', '}}', '","mac":"', null),
  fc.array(fc.string(), { maxLength: 3 }),
);
const head = fc.dictionary(member, value, { minKeys: 1, maxKeys: 6 });
const parts = fc.dictionary(member, fc.stringMatching(/^[\w.-]{0,40}$/), { maxKeys: 3 });

describe('the stored form of metadata', () => {
  it('is canonical JSON, and gives back head, authenticator and sealed parts', () => {
    const by = fc.constantFrom('', 'a1', 'k'.repeat(64));
    fc.assert(
      fc.property(head, parts, by, (given, sealedParts, keyId) => {
        const text = canonicalJson(given);
        const sealed = Object.keys(sealedParts).length === 0 ? '' : canonicalJson(sealedParts);
        const beside = { by: keyId, mac: keyId === '' ? '' : 'm'.repeat(43), sealed };
        const stored = storedMetadata(text, beside);
        expect(canonicalJson(JSON.parse(stored))).toBe(stored);
        const split = splitMetadata(stored);
        expect(`${split.open}}`).toBe(text);
        expect(readBeside(split.beside)).toEqual(beside);
        expect(Buffer.byteLength(stored)).toBeLessThanOrEqual(
          Buffer.byteLength(text) + Buffer.byteLength(sealed) + AUTHENTICATOR_BYTES,
        );
      }),
    );
  });

  it.each([
    ',"~":{}}',
    ',"~":{"by":"a1"}}',
    ',"~":{"by":"a1","mac":"short"}}',
    `,"~":{"by":"a1","mac":"${'m'.repeat(44)}"}}`,
    `,"~":{"by":"a1","mac":"${'m'.repeat(43)}","sealed":[]}}`,
    `,"~":{"by":"a1","mac":"${'m'.repeat(43)}","sealed":{}}}}`.slice(0, -2),
    `,"~":{"by":"a1","mac":"${'m'.repeat(43)}"}},"after":1}`,
    `,"~":{"mac":"${'m'.repeat(43)}","by":"a1"}}`,
    ',"~":{"by":1,"mac":2}}',
  ])('is not what stands behind a head as %s', (text) => {
    expect(readBeside(text)).toBeNull();
  });
});

describe('an authenticator', () => {
  const keys = { old: new Uint8Array(32).fill(1), now: new Uint8Array(32).fill(2) };
  const { keyId, mac, verifies } = entryAuthenticator({ current: 'now', keys });

  it('is made with the key in force, and checked with the one that it names', () => {
    expect(keyId).toBe('now');
    expect(verifies('now', 'a', mac('a'))).toBe(true);
    const before = entryAuthenticator({ current: 'old', keys });
    expect(verifies('old', 'a', before.mac('a'))).toBe(true);
    for (const [by, text, made] of [
      ['now', 'b', mac('a')],
      ['old', 'a', mac('a')],
      ['never', 'a', mac('a')],
      ['now', 'a', ''],
      ['__proto__', 'a', mac('a')],
    ] as const)
      expect(verifies(by, text, made)).toBe(false);
  });

  it('covers each part of an entry and its place, cut in one way', () => {
    const entry = { id: 'i', type: 't', stream: 'ledger-a', revision: 3, data: '{"b":2}' };
    const textOf = (over: Partial<typeof entry>, head = '{"a":1}'): string => {
      const changed = { ...entry, ...over };
      return authenticatedText(changed.data, ownLeafHash(changed, head.slice(0, -1)));
    };
    const texts = [
      textOf({}),
      textOf({ id: 'j' }),
      textOf({ type: 'u' }),
      textOf({ data: '[]' }),
      textOf({}, '{"a":2}'),
      textOf({ stream: 'ledger-b' }),
      textOf({ revision: 4 }),
    ];
    expect(new Set(texts).size).toBe(texts.length);
    const leaf = '{"data":{"b":2},"id":"i","lane":"ledger-a","metadata":{"a":1},"revision":3,"type":"t"}';
    const hash = createHash('sha256').update(`\u0000${leaf}`).digest('hex');
    expect(texts[0]).toBe(`sijill entry v2\n7\n${hash}`);
    // Two events with one text of their leaves: where the data ends tells them apart.
    const inner = '"id":"x","lane":"ledger-b","metadata":';
    const [one, other] = [
      [{ ...entry, data: `{"c":{"a":1,${inner}{}}}` }, '{}'],
      [{ ...entry, data: '{"c":{"a":1', id: 'x', stream: 'ledger-b' }, `{}}},"id":"i","lane":"ledger-a","metadata":{}`],
    ] as const;
    expect(ownLeafText({ ...one[0], metadata: one[1] })).toBe(ownLeafText({ ...other[0], metadata: other[1] }));
    const cut = ([parts, head]: readonly [typeof entry, string]): string =>
      authenticatedText(parts.data, ownLeafHash(parts, head.slice(0, -1)));
    expect(cut(one)).not.toBe(cut(other));
  });

  it('is not made with a key that is not there, nor under an id that the form cannot hold', () => {
    expect(() => entryAuthenticator({ current: 'x', keys })).toThrow(RangeError);
    for (const id of ['', 'a"b', 'é', 'k'.repeat(65)])
      expect(() => entryAuthenticator({ current: id, keys: { [id]: keys.now } })).toThrow(RangeError);
  });
});

describe('a written entry', () => {
  it('counts both bodies, its sealed parts and the room for its authenticator', () => {
    const id = '01939c5e-0000-7000-8000-000000000001';
    const entry = { id, type: 'ab', data: { a: 'ة' }, metadata: { format: 2 } };
    const { data, metadata } = writeEntry(entry);
    expect([data, metadata]).toEqual(['{"a":"ة"}', '{"format":2}']);
    expect(writeEntry(entry).bytes).toBe(10 + 12 + 4 + AUTHENTICATOR_BYTES);
    const sealed = writeEntry({ ...entry, sealed: { subject: 'x.y' } });
    expect(sealed.bytes).toBe(measured(sealed).bytes);
    expect(sealed.bytes - writeEntry(entry).bytes).toBe(
      Buffer.byteLength(sealed.data) - 10 + '{"subject":"x.y"}'.length,
    );
    expect(writeEntry(sealed)).toBe(sealed);
  });
});

describe('the names of lanes', () => {
  it('are never those of others', () => {
    const names = [
      kafkaLane('cluster', 'http', 0),
      httpLane('0'),
      kafkaLane('cluster', 'service-node', 1),
      nodeLane('node-1'),
      httpLane('node-1'),
      fileLane('a'.repeat(64), 'billing'),
      fileLane('a'.repeat(64), 'shop'),
    ];
    expect(new Set(names).size).toBe(names.length);
    expect(kafkaLane('c', 't.x', 4)).toBe('ledger-kafka/c/t.x/4');
    const part = fc.stringMatching(/^[\w.-]{1,3}$/);
    fc.assert(
      fc.property(part, part, fc.nat(), part, part, fc.nat(), (a, b, c, d, e, f) => {
        const same = a === d && b === e && c === f;
        expect(kafkaLane(a, b, c) === kafkaLane(d, e, f)).toBe(same);
      }),
    );
  });

  it.each(['', 'a/b', 'a b', 'a\n'])('have no part %j', (part) => {
    expect(() => httpLane(part)).toThrow(RangeError);
  });
});

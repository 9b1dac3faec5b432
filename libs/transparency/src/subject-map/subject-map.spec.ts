import fc from 'fast-check';
import { concat, FormatInvalid, sameBytes, toHex, uint64, utf8 } from '../primitives/bytes.js';
import { sha256 } from '../primitives/crypto.js';
import { HASH_BYTES } from '../tree/hashing.js';
import { ProofInvalid } from '../tree/proofs.js';
import { formatMapProof, parseMapProof, verifyChain, verifyMap, type MapProof } from './map-proof.js';
import type { SubjectEntry } from './sorted-entries.js';
import {
  Chain,
  chainKey,
  FIRST_HEAD,
  type MappedSubject,
  type SubjectHead,
  type SubjectLeaf,
} from './subject-chain.js';
import { SubjectMap, type MapChange, type MapTiles } from './subject-map.js';

const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'));
const zeros = new Uint8Array(HASH_BYTES);

/** The definition, on all subjects at once. */
function naiveRoot(subjects: readonly MappedSubject[], depth = 0): Uint8Array {
  const [first] = subjects;
  if (first === undefined) return zeros;
  if (subjects.length === 1) return sha256(concat(Uint8Array.of(3), first.key, uint64(first.count), first.head));
  const right = ({ key }: MappedSubject): boolean => ((key[depth >> 3]! >> (7 - (depth & 7))) & 1) === 1;
  const left = naiveRoot(
    subjects.filter((subject) => !right(subject)),
    depth + 1,
  );
  return sha256(concat(Uint8Array.of(4), left, naiveRoot(subjects.filter(right), depth + 1)));
}

function naiveSubjects(entries: readonly SubjectEntry[]): MappedSubject[] {
  const subjects = new Map<string, MappedSubject>();
  for (const { key, leafIndex, leafHash } of entries) {
    const { count, head } = subjects.get(toHex(key)) ?? { count: 0n, head: zeros };
    const next = sha256(concat(Uint8Array.of(2), head, uint64(leafIndex), leafHash));
    subjects.set(toHex(key), { key, count: count + 1n, head: next });
  }
  return [...subjects.values()];
}

/** Tiles as some databases give them: their own, in an array of another kind. */
class TilesInMemory implements MapTiles {
  readonly kept = new Map<string, Uint8Array>();
  reads: string[] = [];

  read(prefixes: readonly string[]): Promise<ReadonlyMap<string, Uint8Array>> {
    expect(new Set(prefixes).size).toBe(prefixes.length);
    this.reads.push(...prefixes);
    const found = prefixes.filter((prefix) => this.kept.has(prefix));
    return Promise.resolve(new Map(found.map((prefix) => [prefix, this.kept.get(prefix)!])));
  }

  write({ written }: MapChange): void {
    for (const [prefix, tile] of written) this.kept.set(prefix, Buffer.from(tile));
  }
}

/** A map of these batches, each written before the next. */
async function mapOf(...batches: (readonly SubjectEntry[])[]): Promise<{ tiles: TilesInMemory; root: Uint8Array }> {
  const tiles = new TilesInMemory();
  const map = new SubjectMap(tiles);
  let root: Uint8Array = zeros;
  for (const batch of batches) {
    const change = await map.extend(batch);
    tiles.write(change);
    root = change.root;
  }
  return { tiles, root };
}

const keyOf = (i: number): Uint8Array => chainKey(`subject ${i}`, 'disclosure');
const headOf = (leaves: readonly SubjectLeaf[]): SubjectHead => {
  const chain = new Chain();
  for (const leaf of leaves) chain.add(leaf);
  return chain.head();
};
const entryOf = (i: number, key: Uint8Array): SubjectEntry => ({
  key,
  leafIndex: BigInt(i),
  leafHash: sha256(utf8(`leaf ${i}`)),
});
const everybody = (size: number): SubjectEntry[] => Array.from({ length: size }, (_, i) => entryOf(i, keyOf(i)));

/** Keys far apart, and keys that agree in their first 1 to 31 bytes. */
const anyKey = fc.oneof(
  fc.uint8Array({ minLength: HASH_BYTES, maxLength: HASH_BYTES }),
  fc
    .tuple(fc.constantFrom(1, 2, 7, 30, 31), fc.uint8Array({ minLength: HASH_BYTES, maxLength: HASH_BYTES }))
    .map(([same, rest]) => concat(new Uint8Array(same).fill(0xa5), rest.subarray(same))),
);
const someKeys = fc.uniqueArray(anyKey, { minLength: 1, maxLength: 120, selector: toHex, size: 'max' });

describe('the map', () => {
  it('has the root of the definition after each batch, however the entries are cut into batches', async () => {
    await fc.assert(
      fc.asyncProperty(
        someKeys,
        fc.array(fc.nat(), { maxLength: 150, size: 'max' }),
        fc.array(fc.nat({ max: 60 }), { maxLength: 6 }),
        async (keys, picks, cuts) => {
          const entries = [...keys.keys(), ...picks].map((pick, i) => entryOf(i, keys[pick % keys.length]!));
          const tiles = new TilesInMemory();
          const map = new SubjectMap(tiles);
          let subjects = 0;
          let done = 0;
          for (const cut of [...cuts, entries.length]) {
            const change = await map.extend(entries.slice(done, done + cut));
            tiles.write(change);
            done = Math.min(done + cut, entries.length);
            subjects += change.added;
            const expected = naiveSubjects(entries.slice(0, done));
            expect(toHex(change.root)).toBe(toHex(naiveRoot(expected)));
            expect(subjects).toBe(expected.length);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says of each entry where the chain of its subject goes on, and of each subject which leaf is its last', async () => {
    await fc.assert(
      fc.asyncProperty(
        someKeys,
        fc.array(fc.nat(), { maxLength: 150, size: 'max' }),
        fc.nat({ max: 150 }),
        async (keys, picks, cut) => {
          // Indexes beyond what a number can say.
          const entries = [...keys.keys(), ...picks].map((pick, i) => ({
            ...entryOf(i, keys[pick % keys.length]!),
            leafIndex: 2n ** 60n + BigInt(i),
          }));
          const tiles = new TilesInMemory();
          const map = new SubjectMap(tiles);
          const previous = new Map<bigint, bigint | null>();
          for (const batch of [entries.slice(0, cut), entries.slice(cut)]) {
            const change = await map.extend(batch);
            tiles.write(change);
            for (const link of change.links) previous.set(link.leafIndex, link.previous);
          }
          expect(previous.size).toBe(entries.length);
          for (const key of [...keys, keyOf(-1)]) {
            const own = entries.filter((entry) => toHex(entry.key) === toHex(key)).map(({ leafIndex }) => leafIndex);
            const chain: bigint[] = [];
            for (let at = (await map.prove(key)).last; at !== null; at = previous.get(at)!) chain.unshift(at);
            expect(chain).toEqual(own);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('does not depend on the order in which subjects come', async () => {
    const entries = everybody(700);
    const { root } = await mapOf(entries);
    const shuffled = entries.toSorted((a, b) => toHex(a.leafHash).localeCompare(toHex(b.leafHash)));
    expect(toHex((await mapOf(shuffled.slice(0, 13), shuffled.slice(13))).root)).toBe(toHex(root));
    expect(toHex((await mapOf(...shuffled.map((entry) => [entry]))).root)).toBe(toHex(root));
  });

  it('has no depth at which it ends but that of the keys', async () => {
    // 200 keys that differ in their last byte only, and 40 that differ from them in the byte before.
    const keys = Array.from({ length: 240 }, (_, i) => concat(new Uint8Array(30), Uint8Array.of(i < 200 ? 1 : 2, i)));
    const entries = keys.map((key, i) => entryOf(i, key));
    const { tiles, root } = await mapOf(entries.slice(0, 3), entries.slice(3, 50), entries.slice(50));
    expect(toHex(root)).toBe(toHex(naiveRoot(naiveSubjects(entries))));
    for (const key of [keys[0]!, keys[239]!, concat(keys[0]!.subarray(0, 31), Uint8Array.of(255)), keyOf(1)]) {
      const { proof } = await new SubjectMap(tiles).prove(key);
      expect(verifyMap(root, key, proof) !== null).toBe(keys.includes(key));
      expect(parseMapProof(formatMapProof(proof))).toEqual(proof);
    }
  });

  it('counts beyond one byte', async () => {
    const key = keyOf(1);
    const entries = Array.from({ length: 600 }, (_, i) => entryOf(i, key));
    const { tiles, root } = await mapOf(entries.slice(0, 255), entries.slice(255, 256), entries.slice(256));
    const { proof } = await new SubjectMap(tiles).prove(key);
    expect(verifyMap(root, key, proof)).toEqual(headOf(entries));
    expect(proof.found?.count).toBe(600n);
  });

  it('proves for each key what it has, and no more', async () => {
    await fc.assert(
      fc.asyncProperty(someKeys, fc.array(anyKey, { maxLength: 20 }), async (keys, others) => {
        const { tiles, root } = await mapOf(keys.map((key, i) => entryOf(i, key)));
        const subjects = new Map(
          naiveSubjects(keys.map((key, i) => entryOf(i, key))).map(({ key, count, head }) => [
            toHex(key),
            { count, head },
          ]),
        );
        for (const key of [...keys, ...others]) {
          const proved = await new SubjectMap(tiles).prove(key);
          expect(sameBytes(proved.root, root)).toBe(true);
          expect(verifyMap(root, key, proved.proof)).toEqual(subjects.get(toHex(key)) ?? null);
          expect(parseMapProof(formatMapProof(proved.proof))).toEqual(proved.proof);
        }
      }),
      { numRuns: 40 },
    );
  });

  it('of nobody has an empty root, and proves that', async () => {
    const map = new SubjectMap(new TilesInMemory());
    expect(await map.extend([])).toEqual({ root: zeros, added: 0, written: new Map(), links: [] });
    const { root, proof } = await map.prove(keyOf(1));
    expect(proof).toEqual({ siblings: [], found: null });
    expect(verifyMap(root, keyOf(1), proof)).toBeNull();
  });

  it('reads the tiles on the way to a key and no others, and the upper ones once', async () => {
    const { tiles } = await mapOf(everybody(5_000));
    expect(tiles.kept.size).toBeGreaterThan(4_000 / 32);
    const map = new SubjectMap(tiles);
    const key = keyOf(17);
    tiles.reads = [];
    await map.prove(key);
    expect(tiles.reads).toEqual(['', ...[1, 2].map((digits) => toHex(key).slice(0, digits))]);
    tiles.reads = [];
    await map.extend([entryOf(5_000, key)]);
    expect(tiles.reads).toEqual(['', toHex(key).slice(0, 2)]);
  });

  it('forgets what was not written, and sees what another has written', async () => {
    const entries = everybody(2_000);
    const { tiles } = await mapOf(entries.slice(0, 1_000));
    const [ours, theirs] = [new SubjectMap(tiles), new SubjectMap(tiles)];
    await ours.extend(entries.slice(1_500));
    const change = await theirs.extend(entries.slice(1_000, 1_500));
    tiles.write(change);
    const last = await ours.extend(entries.slice(1_500));
    expect(last.added).toBe(500);
    expect(toHex(last.root)).toBe(toHex(naiveRoot(naiveSubjects(entries))));
  });

  it('takes the entries of a subject in the order of the log only', async () => {
    const map = new SubjectMap(new TilesInMemory());
    const key = keyOf(1);
    await expect(map.extend([entryOf(2, key), entryOf(1, key)])).rejects.toThrow(RangeError);
    await expect(map.extend([entryOf(2, key), entryOf(3, keyOf(2)), entryOf(2, key)])).rejects.toThrow(RangeError);
    await expect(map.extend([entryOf(1, key.subarray(1))])).rejects.toThrow(RangeError);
    await expect(map.extend([{ ...entryOf(1, key), leafHash: zeros.subarray(1) }])).rejects.toThrow(RangeError);
    await expect(map.prove(key.subarray(1))).rejects.toThrow(RangeError);
  });

  it('reaches beyond 2^53', async () => {
    const key = keyOf(1);
    const last = { key, leafIndex: 2n ** 63n + 1n, leafHash: sha256(key) };
    const { tiles, root } = await mapOf([entryOf(1, key)], [last]);
    const { proof } = await new SubjectMap(tiles).prove(key);
    verifyChain(root, key, headOf([entryOf(1, key), last]), proof);
  });
});

describe('a damaged map', () => {
  const entries = everybody(1_200);
  const key = keyOf(5);
  // The way to this key is a tile of hashes, another, and one of subjects.
  const way = ['', toHex(key).slice(0, 1), toHex(key).slice(0, 2)];

  it.each([
    ['a tile is missing', (tiles: Map<string, Uint8Array>) => tiles.delete(way[2]!)],
    ['a tile is empty', (tiles: Map<string, Uint8Array>) => tiles.set(way[1]!, new Uint8Array())],
    ['a tile is short', (tiles: Map<string, Uint8Array>) => tiles.set(way[2]!, tiles.get(way[2]!)!.subarray(1))],
    ['a tile is long', (tiles: Map<string, Uint8Array>) => tiles.set(way[1]!, concat(tiles.get(way[1]!)!, zeros))],
    ['a tile is that of another prefix', (tiles: Map<string, Uint8Array>) => tiles.set('', tiles.get(way[2]!)!)],
    ['a tile counts wrong', (tiles: Map<string, Uint8Array>) => (tiles.get('')![7] = 1)],
    ['a tile has too many subjects', (tiles: Map<string, Uint8Array>) => (tiles.get(way[2]!)![0] = 200)],
    ['the hash above is another', (tiles: Map<string, Uint8Array>) => tiles.get(way[1]!)!.set([1], 32)],
    ['the tiles go on for ever', (tiles: Map<string, Uint8Array>) => goOnForEver(tiles)],
  ])('is told: %s', async (_, damage) => {
    const { tiles } = await mapOf(entries);
    expect([...tiles.kept.keys()]).toEqual(expect.arrayContaining(way));
    damage(tiles.kept);
    await expect(new SubjectMap(tiles).prove(key)).rejects.toThrow(FormatInvalid);
    await expect(new SubjectMap(tiles).extend([entryOf(9_999, key)])).rejects.toThrow(FormatInvalid);
  });

  function goOnForEver(tiles: Map<string, Uint8Array>): void {
    const tile = new Uint8Array(1024);
    tile.fill(2, 1, 32);
    tiles.has = () => true;
    tiles.get = (prefix) => {
      if (prefix.length > 64) throw new Error('no key has so many digits');
      return tile;
    };
  }

  it('whatever its tiles are, ends in a named error or a proof', async () => {
    const { tiles } = await mapOf(entries);
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...way),
        fc.oneof(
          fc.uint8Array({ maxLength: 1_100, size: 'max' }).map((bytes) => (): Uint8Array => bytes),
          fc.tuple(fc.nat(), fc.nat({ max: 255 })).map(([at, value]) => (tile: Uint8Array): Uint8Array => {
            const changed = Uint8Array.from(tile);
            changed[at % tile.length] = value;
            return changed;
          }),
        ),
        async (prefix, damage) => {
          const damaged = new TilesInMemory();
          for (const [at, tile] of tiles.kept) damaged.kept.set(at, at === prefix ? damage(tile) : tile);
          const result: unknown = await new SubjectMap(damaged).prove(key).catch((error: unknown) => error);
          if (result instanceof Error) expect(result).toBeInstanceOf(FormatInvalid);
          else {
            const { root, proof } = result as { root: Uint8Array; proof: MapProof };
            try {
              verifyMap(root, key, proof);
            } catch (error) {
              expect(error).toBeInstanceOf(ProofInvalid);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});

describe('the proof of a map', () => {
  const entries = everybody(300);
  const present = keyOf(7);
  let root: Uint8Array;
  let proofs: { key: Uint8Array; proof: MapProof }[];

  beforeAll(async () => {
    const { tiles, ...made } = await mapOf(entries, [entryOf(300, present)]);
    root = made.root;
    const map = new SubjectMap(tiles);
    const absent = Array.from({ length: 60 }, (_, i) => keyOf(1_000 + i));
    proofs = await Promise.all([present, ...absent].map(async (key) => ({ key, proof: (await map.prove(key)).proof })));
    // All three kinds are there.
    expect(proofs.some(({ proof }) => proof.found === null)).toBe(true);
    expect(proofs.some(({ key, proof }) => proof.found !== null && !sameBytes(proof.found.key, key))).toBe(true);
    expect(verifyMap(root, present, proofs[0]!.proof)?.count).toBe(2n);
  });

  const flip = (hash: Uint8Array, bit: number): Uint8Array => {
    const changed = Uint8Array.from(hash);
    changed[bit >> 3]! ^= 128 >> (bit & 7);
    return changed;
  };

  it('fails with any bit changed in its hashes, head, count or root', () => {
    const kinds = [
      proofs[0],
      proofs.find(({ proof }) => proof.found === null),
      proofs.find(({ key, proof }) => proof.found !== null && !sameBytes(proof.found.key, key)),
    ];
    for (const { key, proof } of kinds.map((each) => each!))
      for (let bit = 0; bit < 256; bit++) {
        const { siblings, found } = proof;
        const wrong: MapProof[] = siblings.map((sibling, i) => ({
          found,
          siblings: siblings.with(i, flip(sibling, bit)),
        }));
        if (found !== null) {
          wrong.push({ siblings, found: { ...found, head: flip(found.head, bit) } });
          wrong.push({ siblings, found: { ...found, key: flip(found.key, bit) } });
          wrong.push({ siblings, found: { ...found, count: found.count ^ (1n << BigInt(bit)) } });
        }
        for (const each of wrong) expect(() => verifyMap(root, key, each)).toThrow(ProofInvalid);
        expect(() => verifyMap(flip(root, bit), key, proof)).toThrow(ProofInvalid);
      }
  });

  it('of one kind is none of another, and of one key says nothing of a key that is elsewhere', () => {
    for (const { key, proof } of proofs) {
      const { siblings, found } = proof;
      const wrong: MapProof[] = [
        { siblings: siblings.slice(1), found },
        { siblings: siblings.slice(0, -1), found },
        { siblings: [...siblings, zeros], found },
        { siblings: [...siblings, root], found },
        { siblings: siblings.toReversed(), found },
        { siblings, found: found === null ? { key, count: 1n, head: zeros } : null },
        { siblings: [], found: null },
        ...(found === null ? [] : [{ siblings, found: { ...found, key } }].filter(() => !sameBytes(found.key, key))),
      ];
      for (const each of wrong) expect(() => verifyMap(root, key, each)).toThrow(ProofInvalid);
      for (let bit = 0; bit < siblings.length; bit++)
        expect(() => verifyMap(root, flip(key, bit), proof)).toThrow(ProofInvalid);
      if (found !== null && sameBytes(found.key, key)) expect(verifyMap(root, flip(key, 255), proof)).toBeNull();
    }
  });

  it('is not lengthened where the map ends, nor leads a leaf astray', () => {
    const [one] = naiveSubjects([entryOf(1, present)]);
    const hash = naiveRoot([one!]);
    const lengthened = sha256(concat(Uint8Array.of(4), ...((present[0]! & 128) === 0 ? [hash, zeros] : [zeros, hash])));
    expect(verifyMap(hash, present, { siblings: [], found: one! })).toEqual({ count: 1n, head: one!.head });
    expect(() => verifyMap(lengthened, present, { siblings: [zeros], found: one! })).toThrow(ProofInvalid);
    // Whoever puts a leaf where its key does not lead cannot show it there for another's.
    const other = flip(present, 0);
    const astray = sha256(concat(Uint8Array.of(4), ...((other[0]! & 128) === 0 ? [hash, root] : [root, hash])));
    expect(() => verifyMap(astray, other, { siblings: [root], found: one! })).toThrow(ProofInvalid);
  });

  it('is refused when it has no hashes, no count, or more than 256 steps', () => {
    const { siblings, found } = proofs[0]!.proof;
    const wrong: MapProof[] = [
      { siblings: siblings.with(0, root.subarray(1)), found },
      { siblings, found: { ...found!, head: root.subarray(1) } },
      { siblings, found: { ...found!, key: root.subarray(1) } },
      { siblings, found: { ...found!, count: 0n } },
      { siblings, found: { ...found!, count: -1n } },
      { siblings, found: { ...found!, count: 2n ** 64n } },
      { siblings: siblings.with(0, concat(root, root)), found },
    ];
    for (const each of wrong) expect(() => verifyMap(root, present, each)).toThrow(ProofInvalid);
    let deep: Uint8Array = zeros;
    for (let i = 0; i < 257; i++) deep = sha256(concat(Uint8Array.of(4), deep, root));
    expect(() => verifyMap(deep, zeros, { siblings: Array<Uint8Array>(257).fill(root), found: null })).toThrow(
      ProofInvalid,
    );
    expect(() => verifyMap(root.subarray(1), present, { siblings, found })).toThrow(ProofInvalid);
    expect(() => verifyMap(root, present.subarray(1), { siblings, found })).toThrow(ProofInvalid);
  });

  it('has one form as text', () => {
    const hash = 'AQ'.padEnd(42, 'A') + 'A=';
    const text = `sijill map proof v1\n${hash}\n-\n${hash}\n\nsubject ${hash} 3 ${hash}\n`;
    const first = bytes('01'.padEnd(64, '0'));
    const proof: MapProof = { siblings: [first, zeros, first], found: { key: first, count: 3n, head: first } };
    expect(formatMapProof(proof)).toBe(text);
    expect(parseMapProof(text)).toEqual(proof);
    expect(parseMapProof('sijill map proof v1\n\nnobody\n')).toEqual({ siblings: [], found: null });
    const long = {
      siblings: Array<Uint8Array>(256).fill(first),
      found: { key: first, count: 2n ** 63n - 1n, head: first },
    };
    expect(parseMapProof(formatMapProof(long))).toEqual(long);
    for (const wrong of [
      '',
      '\n',
      text.slice(0, -1),
      `${text}\n`,
      ` ${text}`,
      text.replaceAll('\n', '\r\n'),
      text.replace('v1', 'v2'),
      text.replace('\n\n', '\n'),
      text.replace('\n\n', '\n\n\n'),
      text.replace('\n-\n', '\n--\n'),
      text.replace('\n-\n', `\n${'A'.repeat(43)}=\n`),
      text.replace(hash, hash.slice(4)),
      text.replace('subject', 'Subject'),
      text.replace(' 3 ', ' 03 '),
      text.replace(' 3 ', ' 0 '),
      text.replace(' 3 ', '  '),
      text.replace(' 3 ', ' '),
      text.replace(' 3 ', ' 9223372036854775808 '),
      text.replace(' 3 ', ' 3 3 '),
      text.replace(`3 ${hash}`, `3 ${hash} `),
      text.replace(/subject.*/, 'nobody '),
      text.replace('-\n', '-\n'.repeat(255)),
      text.replace('-\n', '-\n'.repeat(1_000_000)),
    ])
      expect(() => parseMapProof(wrong)).toThrow(FormatInvalid);
  });

  it('is read or refused, whatever it is', () => {
    const texts = proofs.slice(0, 8).map(({ proof }) => formatMapProof(proof));
    const pieces = fc.constantFrom(
      '\n',
      '-',
      'subject ',
      'nobody',
      ' ',
      '1',
      'A'.repeat(43),
      '=',
      'sijill map proof v1',
    );
    fc.assert(
      fc.property(
        fc.constantFrom(...texts),
        fc.nat(),
        fc.nat({ max: 60 }),
        fc.array(pieces),
        (text, at, cut, added) => {
          const from = at % text.length;
          const changed = text.slice(0, from) + added.join('') + text.slice(from + cut);
          let proof: MapProof;
          try {
            proof = parseMapProof(changed);
          } catch (error) {
            expect(error).toBeInstanceOf(FormatInvalid);
            return;
          }
          expect(formatMapProof(proof)).toBe(changed);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});

describe('the chain of a subject', () => {
  const key = keyOf(1);
  const mine = [entryOf(1, key), entryOf(4, key), entryOf(9, key)];
  const others = [entryOf(2, keyOf(2)), entryOf(4, keyOf(3))];

  it('is a chain over indexes and hashes', () => {
    expect(toHex(chainKey('subject 1', 'identity'))).toBe(toHex(sha256(utf8('sijill chain\nidentity\nsubject 1'))));
    expect(FIRST_HEAD).toEqual(zeros);
    // SHA-256 of 02, 32 zero bytes, 00000000000000ff, and 32 bytes of 11, by another program.
    expect(toHex(headOf([{ leafIndex: 255n, leafHash: new Uint8Array(32).fill(0x11) }]).head)).toBe(
      '2cc9b0bd073c86251d9b86837f1fff73e5fafbc252f637f72e899c91086fbc48',
    );
    expect(headOf([])).toEqual({ count: 0n, head: zeros });
    expect(headOf(mine)).toEqual({ count: 3n, head: naiveSubjects(mine)[0]!.head });
    expect(FIRST_HEAD).toEqual(zeros);
  });

  it('is all there is, or is refused', async () => {
    const { tiles, root } = await mapOf([...mine.slice(0, 2), ...others], mine.slice(2));
    const { proof } = await new SubjectMap(tiles).prove(key);
    verifyChain(root, key, headOf(mine), proof);
    for (const wrong of [
      [],
      mine.slice(1),
      mine.slice(0, 2),
      mine.toSpliced(1, 1),
      [...mine, entryOf(10, key)],
      mine.with(1, entryOf(5, key)),
      mine.with(1, { ...mine[1]!, leafIndex: 5n }),
      mine.with(1, { ...mine[1]!, leafHash: mine[0]!.leafHash }),
    ])
      expect(() => verifyChain(root, key, headOf(wrong), proof)).toThrow(ProofInvalid);
    expect(() => verifyChain(root, keyOf(2), headOf(mine), proof)).toThrow(ProofInvalid);
  });

  it('of nobody is empty, and that is proved too', async () => {
    const { tiles, root } = await mapOf([...mine, ...others]);
    const { proof } = await new SubjectMap(tiles).prove(keyOf(50));
    verifyChain(root, keyOf(50), headOf([]), proof);
    expect(() => verifyChain(root, keyOf(50), headOf(mine), proof)).toThrow(ProofInvalid);
    expect(() => verifyChain(root, key, headOf([]), proof)).toThrow(ProofInvalid);
  });

  it('goes through the log once, forwards', () => {
    const [a, b] = [mine[0]!, mine[1]!];
    for (const wrong of [
      [b, a],
      [a, a],
      [{ ...a, leafIndex: -1n }],
      [{ ...a, leafIndex: 2n ** 64n }],
      [{ ...a, leafHash: zeros.subarray(1) }],
    ])
      expect(() => headOf(wrong)).toThrow(ProofInvalid);
  });
});

import { canonicalJson } from '../canonical-json.js';
import { formatCheckpoint } from '../note/checkpoint.js';
import { formatNote, signNote } from '../note/signed-note.js';
import { formatVerifierKey, verifierKey, type VerifierKey } from '../note/verifier-key.js';
import { FormatInvalid, utf8 } from '../primitives/bytes.js';
import { signingKey } from '../primitives/crypto.js';
import { formatProof } from '../proof/tlog-proof.js';
import { TreeGrowth } from '../tiles/growth.js';
import { hashInTile, tileOf, type Tile, type TilePlace } from '../tiles/tiles.js';
import { hashLeaf } from '../tree/hashing.js';
import { inclusionProof, isRefusal, ProofInvalid } from '../tree/proofs.js';
import type { LogSource } from '../verification/verify-log.js';
import { KEY_INTRODUCED, KEY_RETIRED, KEYS_LANE, readAnnouncement } from './announcement.js';
import { followKeys, formatKeyChain, verifyKeyChain } from './key-chain.js';
import type { ProvenAnnouncement } from './proven-announcement.js';

const ORIGIN = 'log.example/ledger';
const signing = (generation: number): ReturnType<typeof signingKey> => signingKey(new Uint8Array(32).fill(generation));
const keyOf = (generation: number, name = ORIGIN): VerifierKey =>
  verifierKey(name, 'ed25519', signing(generation).publicKey);

const changes = [
  [1, KEY_INTRODUCED, 1],
  [3, KEY_INTRODUCED, 2],
  [6, KEY_RETIRED, 1],
  [9, KEY_INTRODUCED, 3],
  [12, KEY_RETIRED, 2],
] as const;
const announcement = (revision: number, type: string, generation: number, key = keyOf(generation)): string =>
  canonicalJson({
    data: { generation, key: formatVerifierKey(key), occurredAt: '2026-11-25T10:00:00.000Z' },
    id: `entry-${revision}`,
    lane: KEYS_LANE,
    metadata: {},
    revision,
    type,
  });

type Leaves = ReadonlyMap<number, string>;
const announced: Leaves = new Map(
  changes.map(([at, type, generation], i) => [at, announcement(i, type, generation)] as const),
);

/** A log in memory, of so many leaves, these among them. */
function logOf(size: number, leaves: Leaves): { tile: (place: TilePlace) => Uint8Array; root: Uint8Array } {
  const growth = TreeGrowth.from(0n);
  for (let i = 0; i < size; i++) growth.add(hashLeaf(utf8(leaves.get(i) ?? `leaf ${i}`)));
  const root = growth.root();
  const tiles = new Map<string, Tile>(growth.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile]));
  return { root, tile: ({ level, index }) => tiles.get(`${level}/${index}`)!.hashes };
}
function checkpoint(size: number, signers: readonly number[], leaves = announced): string {
  const text = formatCheckpoint({ origin: ORIGIN, size: BigInt(size), root: logOf(size, leaves).root, extensions: [] });
  return formatNote({ text, signatures: signers.map((generation) => signNote(text, ORIGIN, signing(generation))) });
}
function proven(at: number, size: number, signers: readonly number[], leaves = announced): ProvenAnnouncement {
  const { tile } = logOf(size, leaves);
  const path = inclusionProof(BigInt(at), BigInt(size), (subtree) => hashInTile(subtree, tile(tileOf(subtree))));
  return {
    leaf: leaves.get(at)!,
    proof: formatProof({ index: BigInt(at), path, checkpoint: checkpoint(size, signers, leaves) }),
  };
}

const chain = [proven(1, 3, [1]), proven(3, 5, [1, 2]), proven(6, 8, [2]), proven(9, 11, [2, 3]), proven(12, 14, [3])];
const text = formatKeyChain(chain);
const follow = (given: string, ...generations: number[]): string[] =>
  followKeys(given, { log: generations.map((generation) => keyOf(generation)) }).keys.map(formatVerifierKey);
const texts = (...generations: number[]): string[] =>
  generations.map((generation) => formatVerifierKey(keyOf(generation)));

describe('the keys that a log has announced', () => {
  it('are followed from any that it had to those that it has', () => {
    for (const given of [[1], [2], [3], [1, 2], [1, 2, 3]]) expect(follow(text, ...given)).toEqual(texts(3));
    expect(follow(formatKeyChain(chain.slice(0, 1)), 1)).toEqual(texts(1));
    expect(follow(formatKeyChain(chain.slice(0, 2)), 1)).toEqual(texts(1, 2));
    expect(follow(formatKeyChain(chain.slice(0, 4)), 1)).toEqual(texts(2, 3));
    expect(follow(formatKeyChain([]), 1)).toEqual(texts(1));
    expect(
      followKeys(text, { log: [keyOf(2)] }).announcements.map(({ what, generation }) => [what, generation]),
    ).toEqual([
      ['retired', 1],
      ['introduced', 3],
      ['retired', 2],
    ]);
  });

  it('are not followed from a key that it never had', () => {
    expect(() => follow(text, 4)).toThrow('announced none of the keys that are trusted');
  });

  it('are followed past what somebody else has put into their lane, and what that says is not believed', () => {
    const apart: Leaves = new Map(
      changes.map(([at, type, generation], i) => [at, announcement(5 * i + 2, type, generation)] as const),
    );
    const signers = [[1], [1, 2], [2], [2, 3], [3]];
    const proofs = changes.map(([at], i) => proven(at, at + 2, signers[i]!, apart));
    expect(follow(formatKeyChain(proofs), 1)).toEqual(texts(3));
    expect(() => follow(formatKeyChain(proofs.toSpliced(0, 1)), 1)).toThrow(ProofInvalid);
    expect(() => follow(formatKeyChain(proofs.toSpliced(2, 1)), 1)).toThrow(ProofInvalid);
    expect(() => follow(formatKeyChain(proofs.toSpliced(2, 2)), 1)).toThrow(ProofInvalid);
    // The first key would be trusted for ever.
    expect(() => follow(formatKeyChain([proofs[0]!, proofs[1]!, proofs[3]!]), 1)).toThrow(/another one before it/);
    const sha256 = '0'.repeat(64);
    const foreign = new Map(apart).set(4, canonicalJson({ foreign: true, lane: KEYS_LANE, revision: 3, sha256 }));
    const strange = proven(4, 5, [1, 2], foreign);
    const [begun, grown] = [proven(1, 3, [1], foreign), proven(3, 5, [1, 2], foreign)];
    expect(follow(formatKeyChain([begun, grown]), 1)).toEqual(texts(1, 2));
    expect(() => follow(formatKeyChain([begun, grown, strange]), 1)).toThrow(ProofInvalid);
  });

  const other = new Map(announced).set(3, announcement(1, KEY_INTRODUCED, 2, keyOf(2, 'other.example')));
  it.each([
    ['the one that it begins with is left out', formatKeyChain(chain.slice(1))],
    ['one is left out', formatKeyChain(chain.toSpliced(2, 1))],
    ['two are exchanged', formatKeyChain(chain.toSpliced(1, 2, chain[2]!, chain[1]!))],
    ['only the new key has signed its own introduction', formatKeyChain([chain[0]!, proven(3, 5, [2])])],
    ['a key goes on that was retired', formatKeyChain([...chain.slice(0, 3), proven(9, 11, [1])])],
    ['the last one is retired', formatKeyChain([...chain.slice(0, 3), retiredAll()])],
    ['it begins twice', formatKeyChain([chain[0]!, ...chain])],
    ['the leaf is another', text.replace('\\"generation\\":2', '\\"generation\\":5')],
    ['the key is that of another log', formatKeyChain([proven(1, 3, [1], other), proven(3, 5, [1, 2], other)])],
    ['it stands before the one before it', formatKeyChain([1, 8, 4].map((at) => proven(at, 11, [1, 2], swapped())))],
  ])('do not hold when %s', (_, given) => {
    expect(() => follow(given, 1)).toThrow(ProofInvalid);
  });

  function retiredAll(): ProvenAnnouncement {
    const leaves = new Map(announced).set(9, announcement(3, KEY_RETIRED, 2));
    return proven(9, 11, [2], leaves);
  }
  function swapped(): Map<number, string> {
    return new Map([
      [1, announcement(0, KEY_INTRODUCED, 1)],
      [8, announcement(1, KEY_INTRODUCED, 2)],
      [4, announcement(2, KEY_RETIRED, 1)],
    ]);
  }

  it('are those of the log only if it has grown from where they were announced', async () => {
    const source = (leaves: Leaves): LogSource => ({
      checkpoint: async () => '',
      tile: async (place) => logOf(20, leaves).tile(place),
    });
    const trust = { log: [keyOf(1)] };
    const now = await verifyKeyChain(source(announced), text, checkpoint(20, [3]), trust);
    expect(now.keys.map(formatVerifierKey)).toEqual(texts(3));
    expect(now.checkpoint.size).toBe(20n);
    await expect(verifyKeyChain(source(announced), text, checkpoint(20, [1, 2]), trust)).rejects.toThrow(ProofInvalid);
    const fork = new Map(announced).set(2, 'another');
    await expect(verifyKeyChain(source(fork), text, checkpoint(20, [3], fork), trust)).rejects.toThrow(ProofInvalid);
  });

  it.each([
    ['no JSON', 'x'],
    ['null', 'null'],
    ['of another form', text.replace('keys v1', 'keys v2')],
    ['no list', '{"format":"sijill log keys v1","announcements":{}}'],
    ['a list of nothing', '{"format":"sijill log keys v1","announcements":[null]}'],
    ['not well formed', '{"format":"sijill log keys v1","announcements":[{"leaf":"\\ud800","proof":""}]}'],
    ['too long', ' '.repeat(2 ** 24) + text],
    ['too many', JSON.stringify({ format: 'sijill log keys v1', announcements: Array(10_001).fill(chain[0]) })],
  ])('are refused when they are %s', (_, given) => {
    expect(() => follow(given, 1)).toThrow(FormatInvalid);
  });

  it.each([
    ['of another lane', { lane: 'ledger-other' }],
    ['of another type', { type: 'sijill.ledger.log_alive.v1' }],
    ['without a key', { data: { generation: 2, occurredAt: '' } }],
    ['with what is no key', { data: { generation: 2, occurredAt: '', key: 'a+00000000+AAAA' } }],
    [
      'with a witness’s key',
      {
        data: {
          generation: 2,
          occurredAt: '',
          key: formatVerifierKey(verifierKey('w', 'cosignature/v1', signing(2).publicKey)),
        },
      },
    ],
    ...[0, -1, 1.5, '2', 2 ** 53, null].map(
      (generation) =>
        [`of generation ${generation}`, { data: { generation, occurredAt: '', key: texts(2)[0] } }] as const,
    ),
  ] as const)('are not announced by an entry %s', (_, change) => {
    const entry = { type: KEY_INTRODUCED, lane: KEYS_LANE, data: { generation: 2, key: texts(2)[0], occurredAt: '' } };
    expect(readAnnouncement(entry)).toMatchObject({ what: 'introduced', generation: 2 });
    let refusal: unknown;
    try {
      readAnnouncement({ ...entry, ...change });
    } catch (error) {
      refusal = error;
    }
    expect(isRefusal(refusal)).toBe(true);
  });
});

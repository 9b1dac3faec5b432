import { FormatInvalid, utf8 } from '../primitives/bytes.js';
import { signingKey } from '../primitives/crypto.js';
import { formatCheckpoint } from '../note/checkpoint.js';
import { formatNote, signNote } from '../note/signed-note.js';
import { verifierKey } from '../note/verifier-key.js';
import { parseTilePath, tilePath } from '../tiles/tile-path.js';
import { TreeGrowth } from '../tiles/growth.js';
import { hashInTile, tileOf, type Tile } from '../tiles/tiles.js';
import { hashLeaf } from '../tree/hashing.js';
import { inclusionProof, ProofInvalid } from '../tree/proofs.js';
import { formatProof, parseProof, verifyLeaf } from './tlog-proof.js';

const key = signingKey(new Uint8Array(32).fill(1));
const name = 'log.example/ledger';
const trust = { log: [verifierKey(name, 'ed25519', key.publicKey)] };
const leaf = (index: number): Uint8Array => utf8(`leaf ${index}`);

const growth = TreeGrowth.from(0n);
for (let i = 0; i < 300; i++) growth.add(hashLeaf(leaf(i)));
const root = growth.root();
const tiles = new Map<string, Tile>(growth.takeChanged().map((tile) => [`${tile.level}/${tile.index}`, tile]));
const text = formatCheckpoint({ origin: name, size: 300n, root, extensions: [] });
const checkpoint = formatNote({ text, signatures: [signNote(text, name, key)] });
const path = inclusionProof(271n, 300n, (subtree) => {
  const { level, index } = tileOf(subtree);
  return hashInTile(subtree, tiles.get(`${level}/${index}`)!.hashes);
});
const proof = formatProof({ index: 271n, path, checkpoint });

describe('the proof of a leaf', () => {
  it('holds for its leaf, and comes back as it was written', () => {
    expect(verifyLeaf(leaf(271), proof, trust)).toMatchObject({ index: 271n, checkpoint: { size: 300n } });
    expect(formatProof(parseProof(proof))).toBe(proof);
  });

  it('may carry extra data, which means nothing', () => {
    const [first, ...rest] = proof.split('\n');
    expect(verifyLeaf(leaf(271), [first, 'extra AAAA', ...rest].join('\n'), trust).index).toBe(271n);
  });

  it('holds for no other leaf, place or log', () => {
    expect(() => verifyLeaf(leaf(270), proof, trust)).toThrow(ProofInvalid);
    expect(() => verifyLeaf(leaf(271), proof.replace('index 271', 'index 270'), trust)).toThrow(ProofInvalid);
    expect(() => verifyLeaf(leaf(271), proof.replace('index 271', 'index 300'), trust)).toThrow(ProofInvalid);
    const other = { log: [verifierKey('other.example', 'ed25519', key.publicKey)] };
    expect(() => verifyLeaf(leaf(271), proof, other)).toThrow(ProofInvalid);
    const lines = proof.split('\n');
    expect(() => verifyLeaf(leaf(271), lines.toSpliced(2, 1).join('\n'), trust)).toThrow(ProofInvalid);
    expect(() => verifyLeaf(leaf(271), lines.toSpliced(2, 0, lines[2]!).join('\n'), trust)).toThrow(ProofInvalid);
  });

  it.each([
    ['', 'empty'],
    [proof.replace('@v1', '@v2'), 'of another version'],
    [proof.replace('index 271\n', ''), 'without a place'],
    [proof.replace('index 271', 'index 0271'), 'with a zero before its number'],
    [proof.replace('index', 'extra ?\nindex'), 'with extra data that is none'],
    [proof.replace('\n\n', '\n'), 'without its checkpoint'],
    [proof.replace('\n\n', `\n${'AAAA\n'.repeat(64)}\n`), 'longer than any tree is high'],
  ])('is refused when it is none: %#', (text) =>
    expect(() => verifyLeaf(leaf(271), text, trust)).toThrow(FormatInvalid),
  );
});

describe('the address of a tile', () => {
  it.each([
    [{ level: 0, index: 0n, width: 256 }, 'tile/0/000'],
    [{ level: 0, index: 1234067n, width: 256 }, 'tile/0/x001/x234/067'],
    [{ level: 63, index: 273n, width: 112 }, 'tile/63/273.p/112'],
    [{ level: 1, index: 2n ** 53n + 1n, width: 1 }, 'tile/1/x009/x007/x199/x254/x740/993.p/1'],
  ])('%j', (place, address) => {
    expect(tilePath(place)).toBe(address);
    expect(parseTilePath(address)).toEqual(place);
  });

  it.each([
    'tile/0/0',
    'tile/00/000',
    'tile/64/000',
    'tile/0/x000/000',
    'tile/0/001/000',
    'tile/0/x001/x000',
    'tile/0/000.p/0',
    'tile/0/000.p/256',
    'tile/0/000.p/01',
    'tile/0/000.p/1/',
    '/tile/0/000',
    'tile/entries/000',
    `tile/0/${'x001/'.repeat(7)}000`,
    'tile/0/٠٠٠',
  ])('is refused when it is none: %j', (address) => expect(() => parseTilePath(address)).toThrow(FormatInvalid));
});

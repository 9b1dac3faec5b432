import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  consistencyProof,
  cosign,
  formatCheckpoint,
  formatNote,
  formatProof,
  formatVerifierKey,
  hashLeaf,
  inclusionProof,
  signingKey,
  signNote,
  tilePath,
  tilesOf,
  toBase64,
  TreeGrowth,
  utf8,
  verifierKey,
  withTiles,
  type ReadHash,
  type TilePlace,
} from '@sijill/transparency';
import { describeWithGo } from './describe-with-go.js';

const log = { name: 'log.example/ledger', key: signingKey(new Uint8Array(32).fill(1)) };
const witnesses = [
  { name: 'w1.example', key: signingKey(new Uint8Array(32).fill(2)), seconds: 1_790_000_000n },
  { name: 'w2.example/log', key: signingKey(new Uint8Array(32).fill(3)), seconds: 1_790_000_001n },
];

/** A log: this many leaves, how many there were when it signed before, and those that are proved. */
interface Written {
  readonly size: number;
  readonly oldSize: number;
  readonly proved: readonly number[];
  readonly leaf?: (index: number) => Uint8Array;
}

const entry = (index: number): Uint8Array => utf8(`{"entry":${index}}`);
const nameOf = ({ level, index }: TilePlace): string => `${level}/${index}`;

function signed(size: number, root: Uint8Array): string {
  const text = formatCheckpoint({ origin: log.name, size: BigInt(size), root, extensions: [] });
  const cosignatures = witnesses.map(({ name, key, seconds }) => cosign(text, name, key, seconds));
  return formatNote({ text, signatures: [signNote(text, log.name, log.key), ...cosignatures] });
}

/** Writes a log into a directory, as the readers want it. */
async function write(directory: string, { size, oldSize, proved, leaf = entry }: Written): Promise<void> {
  const put = async (path: string, content: string | Uint8Array): Promise<void> => {
    await mkdir(join(directory, dirname(path)), { recursive: true });
    await writeFile(join(directory, path), content);
  };
  const growth = TreeGrowth.from(0n);
  const tiles = new Map<string, Uint8Array>();
  const growTo = (end: number): Uint8Array => {
    while (growth.size < end) growth.add(hashLeaf(leaf(Number(growth.size))));
    return growth.root();
  };
  const oldRoot = growTo(oldSize);
  const root = growTo(size);
  for (const tile of growth.takeChanged()) tiles.set(nameOf(tile), tile.hashes);
  for (const tile of tilesOf(BigInt(size))) await put(tilePath(tile), tiles.get(nameOf(tile))!);

  const fromTiles = (prove: (read: ReadHash) => Uint8Array[]): Promise<Uint8Array[]> =>
    withTiles(prove, (places) => Promise.resolve(places.map((place) => tiles.get(nameOf(place))!)));
  const checkpoint = signed(size, root);
  for (const index of proved) {
    const path = await fromTiles((read) => inclusionProof(BigInt(index), BigInt(size), read));
    await put(`leaves/${index}`, leaf(index));
    await put(`proofs/${index}`, formatProof({ index: BigInt(index), path, checkpoint }));
  }
  const consistency = await fromTiles((read) => consistencyProof(BigInt(oldSize), BigInt(size), read));
  await put('consistency', consistency.map((hash) => `${toBase64(hash)}\n`).join(''));
  await put('checkpoint', checkpoint);
  await put('checkpoint.old', signed(oldSize, oldRoot));
  await put('vkey', `${formatVerifierKey(verifierKey(log.name, 'ed25519', log.key.publicKey))}\n`);
  const keys = witnesses.map(({ name, key }) => verifierKey(name, 'cosignature/v1', key.publicKey));
  await put('witnesses', keys.map((key) => `${formatVerifierKey(key)}\n`).join(''));
}

interface Answer {
  readonly ok: boolean;
  readonly reason?: string;
  readonly checked: unknown;
}

describeWithGo('readers of others, in Go,', (go) => {
  let folder = '';
  let program = '';

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sijill-interop-'));
    program = join(folder, 'readers');
    await go.build(join(import.meta.dirname, 'go'), program);
  }, 120_000);

  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** What the program says, and that it ends as it says. */
  const read = (directory: string): Promise<Answer> =>
    new Promise((resolve, reject) => {
      execFile(program, [directory], (error, stdout, stderr) => {
        const code = error === null ? 0 : error.code;
        if (stderr !== '' || (code !== 0 && code !== 1)) return reject(new Error(`ended with ${code}: ${stderr}`));
        const answer = JSON.parse(stdout) as Answer;
        if (answer.ok !== (code === 0)) return reject(new Error(`ended with ${code}, and said ${stdout}`));
        resolve(answer);
      });
    });

  const cosignedAt = Object.fromEntries(witnesses.map(({ name, seconds }) => [name, Number(seconds)]));

  it('accept a log, each of its proofs, its cosignatures and its tiles', async () => {
    const directory = join(folder, 'small');
    await write(directory, { size: 700, oldSize: 300, proved: Array.from({ length: 700 }, (_, i) => i) });
    expect(await read(directory)).toEqual({
      ok: true,
      checked: { size: 700, oldSize: 300, cosignedAt, proofs: 700, tiles: 4 },
    });
  });

  it('accept one of three levels, with more tiles than three digits can name', async () => {
    const directory = join(folder, 'large');
    const proved = [0, 255, 256, 65_535, 65_536, 131_071, 255_999, 256_000, 256_255, 256_256, 256_299];
    await write(directory, { size: 256_300, oldSize: 65_537, proved });
    expect(await read(directory)).toEqual({
      ok: true,
      // 1001 full tiles and one of 44 hashes; three full and one of 233; one of three.
      checked: { size: 256_300, oldSize: 65_537, cosignedAt, proofs: proved.length, tiles: 1002 + 4 + 1 },
    });
  });

  it.each([1, 2, 255, 256, 257, 511, 512])('accept one of 512 leaves that was of %d before', async (oldSize) => {
    const directory = join(folder, `from-${oldSize}`);
    await write(directory, { size: 512, oldSize, proved: [0, 511] });
    expect(await read(directory)).toEqual({
      ok: true,
      checked: { size: 512, oldSize, cosignedAt, proofs: 2, tiles: 3 },
    });
  });

  describe('refuse one', () => {
    let directory = '';
    beforeEach(async () => {
      directory = await mkdtemp(join(folder, 'changed-'));
      await write(directory, { size: 700, oldSize: 300, proved: [0, 271, 699] });
      expect(await read(directory)).toMatchObject({ ok: true });
    });

    it.each([
      ['vkey', /^(vkey|checkpoint): /],
      ['witnesses', /^(witnesses|checkpoint): /],
      ['checkpoint', /^checkpoint: /],
      ['checkpoint.old', /^checkpoint\.old: /],
      ['consistency', /^consistency: /],
      ['proofs/271', /^proofs: 271: /],
      ['leaves/271', /^proofs: 271: /],
      ['tile/0/000', /^tiles: /],
      ['tile/0/002.p/188', /^tiles: /],
      ['tile/1/000.p/2', /^tiles: hash [01] of level 1 /],
    ])('with another bit in %s', async (path, reason) => {
      const file = join(directory, path);
      const whole = readFileSync(file);
      // Spread over the file, but for its last byte: a newline at the very end, or none, is the same to some readers.
      for (let part = 0; part < 24; part++) {
        const changed = Buffer.from(whole);
        changed[Math.floor((part * (whole.length - 1)) / 24)]! ^= 1 << (part % 7);
        writeFileSync(file, changed);
        expect(await read(directory)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
      }
    });

    it.each([
      ['checkpoint', /^checkpoint: /],
      ['consistency', /^consistency: /],
      ['proofs/271', /^proofs: 271: /],
      ['tile/0/001', /^tiles: tile\/0\/001 has 8160 bytes/],
    ])('with the end of %s cut off', async (path, reason) => {
      const whole = readFileSync(join(directory, path));
      writeFileSync(join(directory, path), whole.subarray(0, -32));
      expect(await read(directory)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
    });

    it.each([
      ['consistency', /^consistency: illegal base64/],
      ['proofs/271', /^proofs: 271: written again, it is another text/],
    ])('with bits behind the end of the first hash of %s', async (path, reason) => {
      const whole = readFileSync(join(directory, path), 'utf8');
      // The last digit before the padding stands for four bits of the hash and two that are 0.
      const changed = whole.replace(/.=\n/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=\n`);
      writeFileSync(join(directory, path), changed);
      expect(await read(directory)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
    });

    it('with a tile less, or one that no such tree has', async () => {
      await rename(join(directory, 'tile/0/001'), join(directory, 'tile/0/003'));
      expect(await read(directory)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/tile\/0\/001: no such/),
      });
      await copyFile(join(directory, 'tile/0/003'), join(directory, 'tile/0/001'));
      expect(await read(directory)).toMatchObject({ ok: false, reason: 'tiles: 5 files for 4 tiles' });
    });

    it('that was not cosigned by each witness, or with a signature of who is not known', async () => {
      const witness = readFileSync(join(directory, 'witnesses'), 'utf8').split('\n');
      writeFileSync(join(directory, 'witnesses'), `${witness[0]}\n`);
      expect(await read(directory)).toMatchObject({
        ok: false,
        reason: `checkpoint: signed by ${witnesses[1]!.name} too, whom nobody knows`,
      });
      const third = formatVerifierKey(verifierKey('w3.example', 'cosignature/v1', log.key.publicKey));
      writeFileSync(join(directory, 'witnesses'), `${witness.slice(0, 2).join('\n')}\n${third}\n`);
      expect(await read(directory)).toMatchObject({ ok: false, reason: 'checkpoint: 3 signatures hold, of 4 keys' });
    });

    it.each(['checkpoint.old', 'proofs/271'])('whose log signed two trees, by the other one in %s', async (path) => {
      const other = join(folder, `other-${path.replace('/', '-')}`);
      await write(other, { size: 700, oldSize: 300, proved: [271], leaf: (index) => utf8(`{"other":${index}}`) });
      await copyFile(join(other, path), join(directory, path));
      if (path === 'proofs/271') await copyFile(join(other, 'leaves/271'), join(directory, 'leaves/271'));
      const reason = path === 'checkpoint.old' ? /^consistency: / : 'proofs: 271: the tiles have another leaf there';
      expect(await read(directory)).toMatchObject({ ok: false, reason: expect.stringMatching(reason) });
    });
  });
});

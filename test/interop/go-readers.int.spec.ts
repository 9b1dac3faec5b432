import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  CONFLICTING,
  consistencyProof,
  cosign,
  formatAccountingProof,
  formatCheckpoint,
  formatNote,
  formatProof,
  formatReceipt,
  formatVerifierKey,
  hashLeaf,
  inclusionProof,
  KEY_INTRODUCED,
  KEYS_LANE,
  LINKED,
  MAP_LANE,
  MOST_PROMISED,
  RECEIPT_KEY_INTRODUCED,
  RECEIPT_KEYS_LANE,
  receiptKey,
  SEPARATED,
  signingKey,
  signNote,
  SUBJECTS_MAPPED,
  tilePath,
  tilesOf,
  toBase64,
  TreeGrowth,
  utf8,
  verifierKey,
  verifyAccountingProof,
  withTiles,
  type AccountingProof,
  type ReadHash,
  type TilePlace,
} from '@sijill/transparency';
import { describeWithGo } from './describe-with-go.js';
import { SmallLog } from '../support/small-log.js';

const log = { name: 'log.example/ledger', key: signingKey(new Uint8Array(32).fill(1)) };
const witnesses = [
  { name: 'w1.example', key: signingKey(new Uint8Array(32).fill(2)), seconds: 1_790_000_000n },
  { name: 'w2.example/log', key: signingKey(new Uint8Array(32).fill(3)), seconds: 1_790_000_001n },
];

const logKey = verifierKey(log.name, 'ed25519', log.key.publicKey);

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
  await writeKeys(directory);
}

/** Writes whom the readers trust. */
async function writeKeys(directory: string): Promise<void> {
  await writeFile(join(directory, 'vkey'), `${formatVerifierKey(logKey)}\n`);
  const keys = witnesses.map(({ name, key }) => verifierKey(name, 'cosignature/v1', key.publicKey));
  await writeFile(join(directory, 'witnesses'), keys.map((key) => `${formatVerifierKey(key)}\n`).join(''));
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
  const read = (...args: string[]): Promise<Answer> =>
    new Promise((resolve, reject) => {
      execFile(program, args, (error, stdout, stderr) => {
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

  describe('of an accounting', () => {
    const [AYA, OMAR, STRANGER] = [1, 2, 3].map((n) => `0b9f6a52-6b6e-4c53-9d0f-0c7baa00000${n}`) as [
      string,
      string,
      string,
    ];
    let written: SmallLog;
    let directory = '';
    beforeEach(async () => {
      directory = await mkdtemp(join(folder, 'accounting-'));
      await writeKeys(directory);
      written = new SmallLog(signed);
      const decide = (type: string, data: object, ...of: string[]): void =>
        of.forEach((subjectId) => void written.entry(type, 'ledger-vault', { subjectId, ...data }));
      for (let n = 0; n < 20; n++) {
        const subjectId = [AYA, OMAR, STRANGER][n % 3]!;
        written.entry('sijill.data.disclosed.v1', 'ledger-http/0', { subjectId, occurredAt: `2026-07-${10 + n}` });
      }
      decide(LINKED, { edges: ['e1'] }, AYA, STRANGER);
      decide(SEPARATED, { edges: ['e1'] }, AYA, STRANGER);
      decide(CONFLICTING, { case: 'c1' }, AYA);
      decide(CONFLICTING, { case: 'c2' }, OMAR);
      decide(LINKED, { edges: ['e2'], closes: ['c1'] }, AYA, OMAR);
      await written.writeMap();
    });

    /** What the readers say of a proof; our own verifier says the same. */
    const readProof = async (proof: AccountingProof): Promise<Answer> => {
      const text = formatAccountingProof(proof);
      writeFileSync(join(directory, 'accounting.proof'), text);
      const answer = await read('accounting', directory);
      const ours = (): unknown => verifyAccountingProof(text, { log: [logKey] });
      if (answer.ok) ours();
      else expect(ours).toThrow();
      return answer;
    };
    const withEntries = (
      { subjects: [first, ...others], ...proof }: AccountingProof,
      change: (
        entries: AccountingProof['subjects'][number]['entries'],
      ) => AccountingProof['subjects'][number]['entries'],
    ): AccountingProof => ({ ...proof, subjects: [{ ...first!, entries: change(first!.entries) }, ...others] });

    it('accept one of two who are linked, of one alone, and of nobody', async () => {
      expect(await readProof(await written.accounting(AYA, OMAR))).toEqual({
        ok: true,
        checked: { subjects: [AYA, OMAR], entries: 20, withheld: 0, covered: 28, openConflicts: 1 },
      });
      expect(await readProof(await written.accounting(STRANGER))).toMatchObject({
        ok: true,
        checked: { subjects: [STRANGER], entries: 8 },
      });
      const nobody = AYA.replace(/1$/, '9');
      expect(await readProof(await written.accounting(nobody))).toMatchObject({ ok: true, checked: { entries: 0 } });
    });

    it('refuse one that leaves out an entry or a linked subject, or has one too many', async () => {
      const proof = await written.accounting(AYA, OMAR);
      for (const [i, entry] of proof.subjects[0]!.entries.entries())
        for (const change of [
          withEntries(proof, (entries) => entries.toSpliced(i, 1)),
          withEntries(proof, (entries) => entries.toSpliced(i, 0, entry)),
          withEntries(proof, (entries) => entries.with(i, proof.subjects[1]!.entries[0]!)),
        ])
          expect(await readProof(change)).toMatchObject({
            ok: false,
            reason: expect.stringMatching(new RegExp(`^subject ${AYA}: `)),
          });
      for (const subjects of [[AYA], [OMAR], [AYA, STRANGER], [AYA, OMAR, STRANGER]])
        expect(await readProof(await written.accounting(...subjects))).toMatchObject({
          ok: false,
          reason: expect.stringMatching(/^links: /),
        });
      const { subjects } = proof;
      expect(await readProof({ ...proof, subjects: [...subjects, subjects[0]!] })).toMatchObject({
        ok: false,
        reason: `subject ${AYA}: twice`,
      });
    });

    it('refuse a map that somebody else has put there, or that is another entry', async () => {
      for (const at of [written.foreign(MAP_LANE), 0]) {
        const proof = await written.accounting(AYA, OMAR);
        const map = { ...written.place(at), leaf: written.leaves[at]! };
        expect(await readProof({ ...proof, map })).toMatchObject({
          ok: false,
          reason: expect.stringMatching(/^map: (of an event that the ledger has not written|of the type )/),
        });
      }
      // One of the ledger's own that stands elsewhere is none either.
      const { data } = JSON.parse(written.leaves.find((leaf) => leaf.includes(SUBJECTS_MAPPED))!) as { data: object };
      const at = written.entry(SUBJECTS_MAPPED, 'ledger-command', data);
      const proof = await written.accounting(AYA, OMAR);
      expect(await readProof({ ...proof, map: { ...written.place(at), leaf: written.leaves[at]! } })).toMatchObject({
        ok: false,
        reason: 'map: in another lane',
      });
    });

    it.each([
      [SUBJECTS_MAPPED, MAP_LANE],
      [KEY_INTRODUCED, KEYS_LANE],
      [RECEIPT_KEY_INTRODUCED, RECEIPT_KEYS_LANE],
      [LINKED, 'ledger-vault'],
      ['sijill.report.generated.v1', 'ledger-node/0'],
      ['sijill.ledger.consulted.v1', 'ledger-command'],
    ])('believe an entry of the type %s, and nothing that somebody else has put in its place', async (type, lane) => {
      const show = async (at: number): Promise<Answer> => {
        writeFileSync(join(directory, 'leaf'), written.leaves[at]!);
        writeFileSync(join(directory, 'proof'), written.proof(at));
        return read('entry', directory, type);
      };
      expect(await show(written.entry(type, lane, { subjectId: AYA }))).toMatchObject({ ok: true });
      expect(await show(written.foreign(lane))).toMatchObject({
        ok: false,
        reason: 'of an event that the ledger has not written',
      });
      expect(await show(0)).toMatchObject({ ok: false, reason: 'of the type sijill.data.disclosed.v1' });
    });
  });

  describe('of a receipt', () => {
    const signing = signingKey(new Uint8Array(32).fill(4));
    const key = receiptKey(log.name, signing.publicKey);
    const promise = (leaves: number, ...indexes: number[]): string =>
      formatReceipt({
        log: log.name,
        acceptedAt: '2026-07-01T10:00:00.000Z',
        dueAt: '2026-07-01T10:01:00.000Z',
        leaves: BigInt(leaves),
        entries: indexes.map((i) => ({ id: idOf(i), leafHash: toBase64(hashLeaf(entry(i))) })),
      });
    const idOf = (index: number): string => `01890000-0000-7000-8000-${String(index).padStart(12, '0')}`;
    let directory = '';
    beforeAll(async () => {
      directory = await mkdtemp(join(folder, 'receipt-'));
      await write(directory, { size: 700, oldSize: 300, proved: [] });
      writeFileSync(join(directory, 'receipt.vkey'), `${formatVerifierKey(key)}\n`);
    });
    const readReceipt = (text: string, by = signing, name = key.name): Promise<Answer> => {
      writeFileSync(join(directory, 'receipt'), formatNote({ text, signatures: [signNote(text, name, by)] }));
      return read('receipt', directory);
    };

    it('open it, and find in the log what it promised, or not', async () => {
      const [log, accepted, due] = ['log.example/ledger', '2026-07-01T10:00:00.000Z', '2026-07-01T10:01:00.000Z'];
      expect(await readReceipt(promise(100, 100, 255, 256, 699))).toEqual({
        ok: true,
        checked: { log, accepted, due, entries: 4, missing: [] },
      });
      expect(await readReceipt(promise(256, 255, 256, 700))).toMatchObject({
        ok: true,
        checked: { entries: 3, missing: [idOf(255), idOf(700)] },
      });
      const most = Array.from({ length: MOST_PROMISED }, (_, i) => i);
      const { ok, checked } = await readReceipt(promise(0, ...most));
      expect([ok, (checked as { missing: string[] }).missing.length]).toEqual([true, MOST_PROMISED - 700]);
    });

    it('refuse one that was changed, or that another key has signed', async () => {
      const text = promise(0, 1, 2);
      expect(await readReceipt(text)).toMatchObject({ ok: true });
      const whole = readFileSync(join(directory, 'receipt'), 'utf8');
      writeFileSync(join(directory, 'receipt'), whole.replace('10:01', '10:02'));
      expect(await read('receipt', directory)).toMatchObject({
        ok: false,
        reason: expect.stringMatching(/^receipt: /),
      });
      for (const answer of [await readReceipt(text, log.key), await readReceipt(text, log.key, log.name)])
        expect(answer).toMatchObject({ ok: false, reason: expect.stringMatching(/^receipt: /) });
    });
  });
});

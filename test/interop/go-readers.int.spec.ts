import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import {
  CONFLICTING,
  consistencyProof,
  cosign,
  entryKind,
  formatCheckpoint,
  formatNote,
  formatProof,
  formatReceipt,
  formatVerifierKey,
  hashLeaf,
  hashLeafText,
  inclusionProof,
  isRefusal,
  KEY_INTRODUCED,
  KEYS_LANE,
  LINKED,
  MAP_LANE,
  proofLines,
  ProofPacker,
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
  type EntryKind,
  type ProofHead,
  type ProofItem,
  type ProvenChain,
  type ProvenSubject,
  type ReadHash,
  type TilePlace,
} from '@sijill/transparency';
import { describeWithGo } from './describe-with-go.js';
import { FULL_RUN } from '../support/full-run.js';
import { seeded } from '../support/seeded.js';
import { proofText, SmallLog, type SmallProof } from '../support/small-log.js';

const log = { name: 'log.example/ledger', key: signingKey(new Uint8Array(32).fill(1)) };
const witnesses = [
  { name: 'w1.example', key: signingKey(new Uint8Array(32).fill(2)), seconds: 1_790_000_000n },
  { name: 'w2.example/log', key: signingKey(new Uint8Array(32).fill(3)), seconds: 1_790_000_001n },
];

/** What stands at a place of the log. */
type PlacedItem = Exclude<ProofItem, { readonly what: 'passed' }>;
type ShownLeaf = Extract<ProofItem, { readonly what: 'leaf' }>;

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
      execFile(program, args, { maxBuffer: 2 ** 26 }, (error, stdout, stderr) => {
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

  describe('of accountings', () => {
    const [AYA, OMAR, STRANGER, NOBODY] = [1, 2, 3, 9].map((n) => `0b9f6a52-6b6e-4c53-9d0f-0c7baa00000${n}`) as [
      string,
      string,
      string,
      string,
    ];
    const DISCLOSED = 'sijill.data.disclosed.v1';
    let written: SmallLog;
    let directory = '';
    beforeEach(async () => {
      directory = await mkdtemp(join(folder, 'accountings-'));
      await writeKeys(directory);
      written = new SmallLog(signed);
      const decide = (type: string, data: object, ...of: string[]): void =>
        of.forEach((subjectId) => void written.entry(type, 'ledger-vault', { subjectId, ...data }));
      for (let n = 0; n < 20; n++) {
        const subjectId = [AYA, OMAR, STRANGER][n % 3]!;
        written.entry(DISCLOSED, 'ledger-http/0', { subjectId, occurredAt: `2026-07-${10 + n}` });
        if (n % 5 === 0) written.entry('sijill.data.collected.v1', 'ledger-http/0', { subjectId });
      }
      decide(LINKED, { edges: ['e1'] }, AYA, STRANGER);
      decide(SEPARATED, { edges: ['e1'] }, AYA, STRANGER);
      decide(CONFLICTING, { case: 'c1' }, AYA);
      decide(CONFLICTING, { case: 'c2' }, OMAR);
      decide(LINKED, { edges: ['e2'], closes: ['c1'] }, AYA, OMAR);
      written.foreign('ledger-http/0');
      await written.writeMap();
      decide(DISCLOSED, {}, AYA);
    });

    type Proofs = Readonly<Record<string, SmallProof | string | Uint8Array>>;

    /** What the readers say of each proof, by its name; our own verifier says the same. */
    const readProofs = async (proofs: Proofs): Promise<Record<string, Answer>> => {
      const to = join(directory, 'accountings');
      await rm(to, { recursive: true, force: true });
      await mkdir(to);
      const files = Object.values(proofs).map((proof) =>
        proof instanceof Uint8Array ? proof : utf8(typeof proof === 'string' ? proof : proofText(proof)),
      );
      files.forEach((file, i) => writeFileSync(join(to, String(i)), file));
      const { ok, checked } = await read('accounting', directory);
      expect(ok).toBe(true);
      const answers = Object.keys(proofs).map((name, i) => [name, (checked as Record<string, Answer>)[i]!] as const);
      const theirs = answers.map(([name, { ok: holds, checked: shown }]) => ({
        name,
        shown: holds ? shown : 'refused',
      }));
      expect(theirs).toEqual(Object.keys(proofs).map((name, i) => ({ name, shown: shownBy(files[i]!) })));
      return Object.fromEntries(answers);
    };
    const keys = witnesses.map(({ name, key }) => verifierKey(name, 'cosignature/v1', key.publicKey));
    const shownBy = (file: Uint8Array): unknown => {
      try {
        const trust = { log: [logKey], witnesses: keys, quorum: keys.length };
        const { subject, linked, entries, complete, openConflicts } = verifyAccountingProof(proofLines(file), trust);
        return {
          subjects: [subject, ...linked],
          kinds: complete?.kinds ?? [],
          entries: entries.length,
          withheld: entries.filter(({ entry: shown }) => shown === 'withheld').length,
          covered: Number(complete?.covered ?? 0),
          openConflicts: openConflicts.length,
        };
      } catch (error) {
        if (!isRefusal(error)) throw error;
        return 'refused';
      }
    };
    /** That each is refused, and for this reason. */
    const expectRefused = async (reason: RegExp, proofs: Proofs): Promise<void> => {
      expect(Object.keys(proofs)).not.toEqual([]);
      for (const [name, { ok, reason: given }] of Object.entries(await readProofs(proofs)))
        expect({ name, ok, given }).toEqual({ name, ok: false, given: expect.stringMatching(reason) });
    };
    const expectShown = async (shown: object, proofs: Proofs): Promise<void> => {
      for (const [name, answer] of Object.entries(await readProofs(proofs)))
        expect({ name, ...answer }).toMatchObject({ name, ok: true, checked: shown });
    };

    const placed = ({ items }: SmallProof): PlacedItem[] => items.filter((item) => item.what !== 'passed');
    const indicesIn = (proof: SmallProof): number[] => placed(proof).map(({ index }) => Number(index));
    const isOf = (at: number, type: string): boolean => written.leaves[at]!.includes(`"type":"${type}"`);
    /** The same proof of other leaves, with the hashes that belong between them. */
    const showing = (proof: SmallProof, indices: readonly number[]): SmallProof => {
      const map = placed(proof).find(({ what }) => what === 'map');
      return {
        ...proof,
        items: written.items(
          [...new Set(indices)].sort((a, b) => a - b),
          map && Number(map.index),
        ),
      };
    };
    const withItem = (proof: SmallProof, at: number, change: (item: PlacedItem) => ProofItem[]): SmallProof => ({
      ...proof,
      items: proof.items.flatMap((item) =>
        item.what !== 'passed' && Number(item.index) === at ? change(item) : [item],
      ),
    });
    const withheld = (proof: SmallProof, at: number, by: { subject?: string; kind?: EntryKind } = {}): SmallProof =>
      withItem(proof, at, (item) => {
        const { leaf } = item as ShownLeaf;
        const { data, type } = JSON.parse(leaf) as { data: { subjectId: string }; type: string };
        const own = { subject: data.subjectId, kind: entryKind(type) };
        return [{ what: 'withheld', index: item.index, hash: hashLeafText(leaf), ...own, ...by }];
      });
    const withSubjects = (
      proof: SmallProof,
      change: (subjects: ProofHead['subjects']) => ProofHead['subjects'],
    ): SmallProof => ({ ...proof, head: { ...proof.head, subjects: change(proof.head.subjects) } });
    const named = (
      list: readonly number[],
      of: (at: number, i: number) => SmallProof | string,
    ): Record<string, SmallProof | string> => Object.fromEntries(list.map((at, i) => [`leaf ${at}`, of(at, i)]));
    /** Those of the person, of the two kinds; of it alone the disclosures that it is told. */
    const bothForms = async (): Promise<{ whole: SmallProof; lines: SmallProof; own: number[] }> => {
      const whole = await written.accounting([AYA, OMAR]);
      const own = indicesIn(whole).slice(0, -1);
      const only = own.filter((at) => !isOf(at, CONFLICTING));
      return { whole, lines: await written.accounting([AYA, OMAR], { only }), own: only };
    };

    it('accept one of two who are linked, of one alone, and of nobody', async () => {
      const whole = { kinds: ['disclosure', 'identity'], withheld: 0, covered: 33 };
      await expectShown(
        { ...whole, subjects: [AYA, OMAR], entries: 20, openConflicts: 1 },
        { whole: await written.accounting([AYA, OMAR]) },
      );
      await expectShown(
        { ...whole, subjects: [STRANGER], entries: 8, openConflicts: 0 },
        { alone: await written.accounting([STRANGER]) },
      );
      await expectShown({ ...whole, subjects: [NOBODY], entries: 0 }, { nobody: await written.accounting([NOBODY]) });
    });

    it('accept one of more kinds, of the links alone, and of these in another order', async () => {
      const all: EntryKind[] = ['identity', 'activity', 'disclosure', 'consultation', 'handling'];
      await expectShown({ kinds: all, entries: 23 }, { all: await written.accounting([OMAR, AYA], { kinds: all }) });
      await expectShown(
        { kinds: ['identity'], entries: 6, openConflicts: 1 },
        { links: await written.accounting([AYA, OMAR], { kinds: ['identity'] }) },
      );
    });

    it('accept one of lines alone, whichever they are, that says nothing of others', async () => {
      const { lines, own } = await bothForms();
      const shown = { subjects: [AYA, OMAR], kinds: [], withheld: 0, covered: 0, openConflicts: 0 };
      await expectShown({ ...shown, entries: own.length }, { lines });
      const links = own.filter((at) => !isOf(at, DISCLOSED));
      for (const told of [links, [...links, ...own.slice(3)], own.filter((_, i) => i !== 1)])
        await expectShown(
          { ...shown, entries: new Set(told).size },
          { fewer: await written.accounting([AYA, OMAR], { only: told }) },
        );
      await expectShown({ subjects: [AYA], entries: 0 }, { none: await written.accounting([AYA], { only: [] }) });
    });

    it('accept the packed text as they do the text', async () => {
      const { whole, lines } = await bothForms();
      for (const [form, proof] of Object.entries({ whole, lines })) {
        const text = utf8(proofText(proof));
        const packer = new ProofPacker();
        const pieces = [...packer.add(text.subarray(0, 700), false), ...packer.add(text.subarray(700), true)];
        await expectShown({ subjects: [AYA, OMAR] }, { [form]: Buffer.concat(pieces), text, byOthers: gzipSync(text) });
      }
    });

    it('refuse one that leaves out an entry', async () => {
      const { whole, lines, own } = await bothForms();
      const entries = indicesIn(whole);
      await expectRefused(/^map: \w+ of .* the map holds \d+ entries, not these/, {
        ...named(entries.slice(0, -1), (at) =>
          showing(
            whole,
            entries.filter((other) => other !== at),
          ),
        ),
        ...{ all: showing(whole, entries.slice(-1)), theLast: showing(whole, entries.toSpliced(-2, 1)) },
      });
      // Without the hash in its place, of lines alone too.
      const without = (proof: SmallProof) => (at: number) => withItem(proof, at, () => []);
      const reason = /^(leaves|tree): .*(invalid hashes|another root)/;
      await expectRefused(reason, named(entries.slice(0, -1), without(whole)));
      await expectRefused(reason, named(own, without(lines)));
    });

    it('refuse one with an entry twice, in the place of another, or changed', async () => {
      const { whole, lines } = await bothForms();
      for (const proof of [whole, lines]) {
        const shown = indicesIn(proof);
        await expectRefused(
          /^leaves: \d+: (invalid range|behind the map)/,
          named(shown, (at) => withItem(proof, at, (item) => [item, item])),
        );
        const others = (at: number): PlacedItem => placed(proof).find(({ index }) => Number(index) !== at)!;
        await expectRefused(
          /^(leaves: \d+: |leaves: |tree: )/,
          named(shown, (at) => withItem(proof, at, () => [others(at)])),
        );
        for (const by of [-1n, 1n, 64n])
          await expectRefused(
            /^(leaves|tree): /,
            named(shown.slice(by < 0n ? 1 : 0), (at) =>
              withItem(proof, at, (item) => [{ ...item, index: item.index + by }]),
            ),
          );
        const changed = (item: PlacedItem): ProofItem => {
          const { leaf } = item as ShownLeaf;
          return { ...(item as ShownLeaf), leaf: leaf.replace('"revision":', '"revision":1') };
        };
        await expectRefused(
          /^tree: another root/,
          named(shown, (at) => withItem(proof, at, (item) => [changed(item)])),
        );
        // What stands at two places, each at that of the other.
        const [one, other] = shown as [number, number];
        const leafAt = (at: number) => (item: PlacedItem) => [{ ...(item as ShownLeaf), leaf: written.leaves[at]! }];
        await expectRefused(/^tree: another root/, {
          exchanged: withItem(withItem(proof, one, leafAt(other)), other, leafAt(one)),
        });
      }
    });

    it('refuse one that shows an entry of another subject, of another kind, or of nobody', async () => {
      const { whole, lines, own } = await bothForms();
      for (const proof of [whole, lines]) {
        const strangers = written.leaves.flatMap((_, at) => (own.includes(at) || at > 30 ? [] : [at]));
        const not = strangers.filter((at) => !isOf(at, CONFLICTING));
        await expectRefused(
          /^leaves: \d+: about another subject, or of another kind/,
          named(not, (at) => showing(proof, [...indicesIn(proof), at])),
        );
        const foreign = written.leaves.findIndex((leaf) => leaf.includes('"foreign":true'));
        await expectRefused(/^leaves: \d+: of an event that the ledger has not written/, {
          foreign: showing(proof, [...indicesIn(proof), foreign]),
        });
      }
      const behind = await withMapBehind(1);
      const [newer, map] = [written.leaves.length - 2, written.leaves.length - 1];
      await expectRefused(/^map: leaf \d+ is not among the 33/, {
        newer: { ...behind, items: written.items([...indicesIn(whole).slice(0, -1), newer, map], map) },
      });
      const later = ['sijill.data.disclosed.v2', 'sijill.subjects.linked.v2'].map((type) =>
        written.entry(type, 'ledger-http/0', { subjectId: AYA }),
      );
      const { lines: told } = await bothForms();
      await expectRefused(
        /^leaves: \d+: of a type that is not known here/,
        named(later, (at) => ({ ...told, items: written.items([...indicesIn(told), at]) })),
      );
    });

    /** A proof by the same map, that is said again behind what came after it. */
    const withMapBehind = async (
      leaves: number,
      changed: object = {},
      lane = MAP_LANE,
      type = SUBJECTS_MAPPED,
    ): Promise<SmallProof> => {
      const { data } = JSON.parse(written.leaves.find((leaf) => leaf.includes(SUBJECTS_MAPPED))!) as { data: object };
      for (let n = 0; n < leaves; n++) written.entry(DISCLOSED, 'ledger-http/0', { subjectId: AYA });
      const at = written.entry(type, lane, { ...data, ...changed });
      const proof = await written.accounting([AYA, OMAR]);
      return { ...proof, items: written.items([...indicesIn(proof).slice(0, -1), at], at) };
    };

    it('accept what is withheld as one of the chain where all are shown, and refuse it where lines are, or where it could be a link', async () => {
      const { whole, lines, own } = await bothForms();
      const told = own.filter((at) => isOf(at, DISCLOSED));
      await expectShown(
        { entries: 20, withheld: 1 },
        named(told, (at) => withheld(whole, at)),
      );
      await expectShown(
        { entries: 20, withheld: 3 },
        {
          three: told.slice(0, 3).reduce((proof, at) => withheld(proof, at), whole),
        },
      );
      await expectRefused(
        /^leaves: \d+: withheld, where lines alone/,
        named(own, (at) => withheld(lines, at)),
      );
      const links = indicesIn(whole)
        .filter((at) => !told.includes(at))
        .slice(0, -1);
      await expectRefused(
        /^leaves: \d+: withheld, so that who is linked/,
        named(links, (at) => withheld(whole, at)),
      );
      // Another's, of another chain, or what is none of theirs.
      const other = (at: number): string => (written.leaves[at]!.includes(AYA) ? OMAR : AYA);
      await expectRefused(
        /^map: .*the map holds/,
        named(told, (at) => withheld(whole, at, { subject: other(at) })),
      );
      await expectRefused(/^leaves: \d+: (about another|withheld)/, {
        ...named(told, (at) => withheld(whole, at, { kind: 'activity' })),
        identity: withheld(whole, told[0]!, { kind: 'identity' }),
      });
      const strangers = indicesIn(await written.accounting([STRANGER])).filter((at) => isOf(at, DISCLOSED));
      const entries = indicesIn(whole);
      await expectRefused(/^map: .*the map holds/, {
        ...named(strangers, (at) =>
          withheld(showing(whole, [...entries, at]), at, { subject: AYA, kind: 'disclosure' }),
        ),
        inPlace: withheld(showing(whole, [...entries.slice(1), strangers[0]!]), strangers[0]!, { subject: AYA }),
      });
      const wrongly = withheld(whole, told[0]!);
      const text = proofText(wrongly);
      expect(text).toMatch(/\nwithheld \d+ \S+ 1 disclosure\n/);
      await expectRefused(/^(leaves|tree): /, {
        nobody: text.replace(/ 1 disclosure\n/, ' 0 disclosure\n'),
        third: text.replace(/ 1 disclosure\n/, ' 3 disclosure\n'),
        zeros: text.replace(/ 1 disclosure\n/, ' 01 disclosure\n'),
        noKind: text.replace(/ 1 disclosure\n/, ' 1 disclosed\n'),
        more: text.replace(/ 1 disclosure\n/, ' 1 disclosure 1\n'),
        less: text.replace(/ 1 disclosure\n/, ' 1\n'),
        hash: withItem(wrongly, told[0]!, (item) => [{ ...item, hash: new Uint8Array(32) } as ProofItem]),
      });
    });

    it('refuse a linked subject left out, or one too many', async () => {
      const others = [[AYA], [OMAR], [AYA, STRANGER], [AYA, OMAR, STRANGER], [AYA, OMAR, NOBODY]];
      for (const subjects of others) {
        const whole = await written.accounting(subjects);
        const only = indicesIn(whole).slice(0, -1);
        const lines = await written.accounting(subjects, { only });
        await expectRefused(/^links: /, { whole, lines });
      }
      // Of the links themselves nothing is shown: the lines of one are told, and of two it is not seen that they are one.
      const disclosures = written.leaves.flatMap((_, at) => (isOf(at, DISCLOSED) ? [at] : []));
      await expectShown({ subjects: [AYA] }, { alone: await written.accounting([AYA], { only: disclosures }) });
      await expectRefused(/^links: the first subject reaches 1 of 2/, {
        two: await written.accounting([AYA, OMAR], { only: disclosures }),
      });
      const { whole, lines } = await bothForms();
      for (const proof of [whole, lines])
        await expectRefused(/^head: the \w+ of \S+ twice/, {
          twice: withSubjects(proof, (subjects) => [...subjects, subjects[0]!]),
        });
    });

    it('refuse chains that are missing, twice, not the same of each subject, or others', async () => {
      const whole = await written.accounting([AYA, OMAR]);
      const ofEach = (change: (chains: readonly ProvenChain[], i: number) => readonly ProvenChain[]): SmallProof =>
        withSubjects(whole, (subjects) => subjects.map((of, i) => ({ ...of, chains: change(of.chains, i) })));
      const [first, second] = whole.head.subjects as [ProvenSubject, ProvenSubject];
      await expectRefused(/^head: not the same kinds/, {
        ofOneLess: ofEach((chains, i) => chains.slice(i)),
        ofOneNone: ofEach((chains, i) => (i === 1 ? [] : chains)),
        otherOrder: ofEach((chains, i) => (i === 1 ? chains.toReversed() : chains)),
      });
      await expectRefused(/^head: not shown who is linked/, {
        noIdentity: ofEach((chains) => chains.filter(({ kind }) => kind !== 'identity')),
        noIdentityAndNoLinks: await written.accounting([AYA], { kinds: ['disclosure'] }),
      });
      await expectRefused(/^head: the \w+ of \S+ twice/, { twice: ofEach((chains) => [...chains, chains[0]!]) });
      await expectRefused(/^leaves: \d+: about another/, {
        noDisclosures: ofEach((chains) => chains.filter(({ kind }) => kind === 'identity')),
      });
      await expectRefused(/^map: activity of .*another root|^map: activity of .*the map holds|elsewhere/, {
        otherKind: ofEach(([disclosure, identity]) => [disclosure!, identity!, { ...disclosure!, kind: 'activity' }]),
      });
      await expectRefused(/^map: .*(another root|elsewhere|the map holds)/, {
        exchanged: ofEach(([one, other]) => [
          { ...one!, proof: other!.proof },
          { ...other!, proof: one!.proof },
        ]),
        ofTheOther: withSubjects(whole, () => [
          { ...first, chains: second.chains },
          { ...second, chains: first.chains },
        ]),
        ofNobody: ofEach(([one, other]) => [{ ...one!, proof: 'sijill map proof v1\n\nnobody\n' }, other!]),
        anotherCount: ofEach((chains) =>
          chains.map((of) => ({
            ...of,
            proof: of.proof.replace(/ (\d+) (\S+)\n$/, (_, n: string, head: string) => ` ${Number(n) + 1} ${head}\n`),
          })),
        ),
      });
      await expectRefused(/^head: not said whether it is complete/, {
        noLeaves: { ...whole, head: { ...whole.head, leaves: null } },
        noChains: ofEach(() => []),
        leavesOfLines: { ...(await bothForms()).lines, head: { ...(await bothForms()).lines.head, leaves: 33n } },
      });
    });

    it('refuse a map that is missing or not needed, or behind which leaves stand', async () => {
      const { whole, lines, own } = await bothForms();
      const entries = indicesIn(whole);
      const at = entries.at(-1)!;
      await expectRefused(/^map: missing/, { missing: { ...whole, items: written.items(entries.slice(0, -1)) } });
      await expectRefused(/^map: there, where lines alone/, {
        lines: { ...lines, items: written.items([...own, at], at) },
      });
      await expectRefused(/^leaves: \d+: behind the map/, {
        leaf: { ...whole, items: written.items([...entries, at + 1], at) },
        withheld: withheld({ ...whole, items: written.items([...entries, at + 1], at) }, at + 1),
      });
      await expectRefused(/^leaves: \d+: about another/, {
        asLeaf: { ...whole, items: written.items(entries) },
      });
    });

    it('refuse a map that somebody else has put there, or that is another entry', async () => {
      const by = async (at: number): Promise<SmallProof> => {
        const proof = await written.accounting([AYA, OMAR]);
        return { ...proof, items: written.items([...indicesIn(proof).slice(0, -1), at], at) };
      };
      await expectRefused(/^map: of an event that the ledger has not written/, {
        foreign: await by(written.foreign(MAP_LANE)),
      });
      await expectRefused(/^map: of the type /, {
        disclosure: await by(written.leaves.length - 2),
        otherType: await withMapBehind(0, {}, MAP_LANE, `${SUBJECTS_MAPPED}1`),
      });
      // One of the ledger's own that stands elsewhere is none either.
      await expectRefused(/^map: in another lane/, { otherLane: await withMapBehind(0, {}, 'ledger-command') });
      await expectShown({ entries: 20, covered: 33 }, { again: await withMapBehind(3) });
    });

    it.each([
      ['size', '900', /^map: it covers leaves behind its own/],
      ['size', '31', /^map: leaf \d+ is not among the 31/],
      ['size', '033', /^map: a number in another form/],
      ['size', 33, /^map: not said: size/],
      ['chains', undefined, /^map: not said: chains/],
      ['chains', '-1', /^map: /],
      ['root', 'nothing', /^map: /],
      ['root', toBase64(new Uint8Array(32)), /^map: .* another root/],
      ['occurredAt', '2026-07-01', /^map: not said when/],
      ['occurredAt', null, /^map: not said: occurredAt/],
    ])('refuse a map whose %s is %j', async (member, said, reason) => {
      await expectRefused(reason, { map: await withMapBehind(0, { [member]: said }) });
    });

    it('refuse another number of hashes for what is passed over', async () => {
      const { whole, lines } = await bothForms();
      for (const proof of [whole, lines]) {
        const gaps = proof.items.flatMap((item, i) => (item.what === 'passed' ? [i] : []));
        const at = (i: number, ...by: ProofItem[]): SmallProof => ({
          ...proof,
          items: proof.items.toSpliced(i, 1, ...by),
        });
        const hash = (i: number): ProofItem => proof.items[i]!;
        await expectRefused(/^(leaves|tree): .*invalid hashes/, {
          ...named(gaps, (i) => at(i)),
          ...Object.fromEntries(gaps.map((i) => [`twice ${i}`, at(i, hash(i), hash(i))])),
        });
        await expectRefused(
          /^tree: another root/,
          named(gaps, (i) => at(i, { what: 'passed', hash: hashLeafText('') })),
        );
        await expectRefused(/^(leaves|tree): /, {
          many: { ...proof, items: [...Array.from({ length: 200 }, () => hash(gaps[0]!)), ...proof.items] },
        });
      }
    });

    it('refuse links and conflicts that do not say which they are of', async () => {
      const wrong: [string, object][] = [
        [LINKED, { edges: 'e2' }],
        [LINKED, { edges: [7] }],
        [SEPARATED, { edges: {} }],
        [LINKED, { edges: [], closes: [null] }],
        [SEPARATED, { closes: 'c1' }],
        [CONFLICTING, {}],
        [CONFLICTING, { case: 1 }],
      ];
      for (const [type, data] of wrong) {
        const own = new SmallLog(signed);
        const at = own.entry(type, 'ledger-vault', { subjectId: AYA, ...data });
        await own.writeMap();
        await expectRefused(/^(links|conflicts): leaf 0: /, {
          whole: await own.accounting([AYA]),
          lines: await own.accounting([AYA], { only: [at] }),
        });
      }
      const own = new SmallLog(signed);
      own.entry(LINKED, 'ledger-vault', { subjectId: AYA, edges: null });
      own.entry(SEPARATED, 'ledger-vault', { subjectId: AYA });
      await own.writeMap();
      await expectShown({ entries: 2 }, { none: await own.accounting([AYA]) });
    });

    it('refuse leaves in another form than canonical JSON, and about what is no subject', async () => {
      const shown = async (leaf: string): Promise<SmallProof> => {
        const own = new SmallLog(signed);
        const at = (await own.writeMap()) + 1;
        own.leaves.push(leaf);
        return { ...(await own.accounting([AYA], { only: [] })), items: own.items([at]) };
      };
      const members = {
        data: `{"subjectId":"${AYA}"}`,
        id: '"x"',
        lane: '"l"',
        metadata: '{}',
        revision: '0',
        type: `"${DISCLOSED}"`,
      };
      const leafOf = (by: Record<string, string>): string =>
        `{${Object.entries({ ...members, ...by })
          .map(([name, value]) => `"${name}":${value}`)
          .join()}}`;
      const other = (data: string): string => leafOf({ data: `{"subjectId":"${AYA}",${data}}` });
      await expectShown(
        { entries: 1 },
        {
          plain: await shown(leafOf({})),
          numbers: await shown(
            other('"v":[0,-1,0.1,1e-7,1.5e-9,0.000001,100000000000000000000,1e+21,1.7976931348623157e+308]'),
          ),
          texts: await shown(other('"v":"\\b\\t\\n\\f\\r\\"\\\\\\u001f/\u007f\u2028\u00e9\ud83d\ude00<&>"')),
          names: await shown(other('"\ud83d\ude00":1,"\ufb33":null,"\uffff":true')),
          largest: await shown(leafOf({ revision: '9007199254740991' })),
        },
      );
      await expectRefused(/^leaves: 1: /, {
        space: await shown(leafOf({}).replace(':', ': ')),
        order: await shown(
          `{"type":"${DISCLOSED}",${leafOf({})
            .slice(1)
            .replace(/,"type".*/, '}')}`,
        ),
        member: await shown(leafOf({ zone: '1' })),
        twice: await shown(leafOf({ data: `{"subjectId":"${STRANGER}","subjectId":"${AYA}"}` })),
        escaped: await shown(other('"v":"\\u0041"')),
        slash: await shown(other('"v":"\\/"')),
        surrogate: await shown(other('"v":"\\ud800"')),
        namesByPoints: await shown(other('"\uffff":1,"\ud83d\ude00":1')),
        ...Object.fromEntries(
          await Promise.all(
            ['1.0', '-0', '1e3', '1E21', '1e21', '0.0000001', '1e400', '12345678901234567890'].map(
              async (number) => [number, await shown(other(`"v":${number}`))] as const,
            ),
          ),
        ),
        negative: await shown(leafOf({ revision: '-1' })),
        broken: await shown(leafOf({ revision: '0.5' })),
        inexact: await shown(leafOf({ revision: '9007199254740992' })),
        list: await shown(leafOf({ data: '[]' })),
        noMetadata: await shown(leafOf({ metadata: 'null' })),
        text: await shown(`"${AYA}"`),
        nothing: await shown('null'),
        inList: await shown(leafOf({ data: `{"subjectId":["${AYA}"]}` })),
        hostile: await shown(leafOf({ data: '{"subjectId":{"toString":1,"valueOf":1}}' })),
        none: await shown(leafOf({ data: '{}' })),
      });
    });

    it('refuse files that are cut off or damaged', async () => {
      const { whole, lines } = await bothForms();
      for (const proof of [whole, lines]) {
        const text = proofText(proof);
        const packed = gzipSync(text);
        const ends = [...text.matchAll(/\n/g)].map(({ index }) => index);
        const cuts = ends.map((end, i) => (i % 2 === 0 ? end : ends[i - 1]! + 1));
        await expectRefused(/^/, Object.fromEntries(cuts.map((end) => [`to ${end}`, text.slice(0, end)])));
        const parts = Array.from({ length: 40 }, (_, i) => Math.floor((i * packed.length) / 40));
        const ofEnd = Array.from({ length: 12 }, (_, i) => packed.length - 1 - i);
        await expectRefused(/^(file|head): /, {
          ...Object.fromEntries([...parts, ...ofEnd].map((end) => [`packed to ${end}`, packed.subarray(0, end)])),
          nothing: new Uint8Array(),
          more: Buffer.concat([packed, Buffer.of(0)]),
          muchMore: Buffer.concat([packed, Buffer.alloc(40)]),
          again: Buffer.concat([packed, packed]),
          two: Buffer.concat([gzipSync(text.slice(0, 500)), gzipSync(text.slice(500))]),
        });
        const flipped = [...parts.slice(2), ...ofEnd.slice(0, 8)].map((at) => {
          const changed = Buffer.from(packed);
          changed[at]! ^= 1;
          return [`bit at ${at}`, changed] as const;
        });
        await expectRefused(/^/, Object.fromEntries(flipped));
      }
    });

    it('refuse what is written in another form', async () => {
      const { whole, lines } = await bothForms();
      const spare = (digits: string): string =>
        digits.replace(/.(=+)$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}${end.slice(1)}`);
      const told = indicesIn(whole)[0]!;
      for (const text of [proofText(whole), proofText(lines), proofText(withheld(whole, told))]) {
        const all = text.split('\n');
        const encoded = [...text.matchAll(/[A-Za-z0-9+/]{40,}={1,2}(?=[\n ])/g)];
        expect(encoded.length).toBeGreaterThan(10);
        const replaced = (at: number, length: number, by: string): string =>
          text.slice(0, at) + by + text.slice(at + length);
        await expectRefused(
          /^/,
          Object.fromEntries(
            encoded.map(({ 0: found, index }) => [`bits at ${index}`, replaced(index, found.length, spare(found))]),
          ),
        );
        const spaces: ((line: string) => string)[] = [
          (line) => `${line}\r`,
          (line) => `${line} `,
          (line) => ` ${line}`,
        ];
        const spaced = all.slice(0, -1).map((line, i) => [`space ${i}`, all.with(i, spaces[i % 3]!(line)).join('\n')]);
        await expectRefused(/^/, {
          ...Object.fromEntries(spaced),
          crlf: text.replaceAll('\n', '\r\n'),
          mark: `\ufeff${text}`,
          zeros: text.replace(/\nleaf /, '\nleaf 0'),
          plus: text.replace(/\nleaf /, '\nleaf +'),
          large: text.replace(/\nleaf \d+/, '\nleaf 9223372036854775808'),
          largest: text.replace(/\nleaf \d+/, '\nleaf 9223372036854775807'),
          asOfZeros: text.replace('as of ', 'as of 0'),
          asOfMore: text.replace(/as of .*/, 'as of 1 2 3'),
          asOfNothing: text.replace(/as of .*/, 'as of'),
          version: text.replace('v3', 'v2'),
          capitals: text.replace(`subject ${AYA}`, `subject ${AYA.toUpperCase()}`),
          noKind: text.replace(/\nsubject .*/, '$&\nchain disclosures\n'),
          nobody: `${all[0]}\n${all[1]}\n\n${text.slice(text.indexOf('\n\n') + 2)}`,
          bytes: Buffer.from(text.replace('\nleaf ', '\nleaf \u0080'), 'latin1'),
          unsigned: text.slice(0, text.indexOf('\u2014')),
        });
      }
    });

    it('refuse one that is not signed by the log and its witnesses', async () => {
      for (const proof of [await written.accounting([AYA, OMAR]), (await bothForms()).lines]) {
        const text = proofText(proof);
        const signatures = text.split('\n').filter((line) => line.startsWith('\u2014'));
        expect(signatures).toHaveLength(3);
        await expectRefused(
          /^checkpoint: /,
          Object.fromEntries(signatures.map((line, i) => [`without ${i}`, text.replace(`${line}\n`, '')])),
        );
        await expectShown(
          { subjects: [AYA, OMAR] },
          Object.fromEntries(signatures.map((line, i) => [`twice ${i}`, text.replace(line, `${line}\n${line}`)])),
        );
        const earlier = new SmallLog(signed);
        earlier.leaves.push(...written.leaves.slice(0, -1));
        await earlier.writeMap();
        await expectRefused(/^(leaves|tree): /, {
          other: { ...proof, checkpoint: (await earlier.accounting([AYA])).checkpoint },
        });
      }
    });

    it('accept each of many small ones, and say the same of what was changed in them', async () => {
      const [logs, changes] = FULL_RUN ? [400, 12] : [40, 5];
      const proofs: Record<string, string> = {};
      const honest: string[] = [];
      const random = seeded(20_260_701);
      const below = (end: number): number => Math.floor(random() * end);
      for (let n = 0; n < logs; n++) {
        const { whole, lines } = await randomProofs(below);
        for (const [form, proof] of Object.entries({ whole, lines })) {
          const text = proofText(proof);
          honest.push(`${n} ${form}`);
          proofs[`${n} ${form}`] = text;
          for (let i = 0; i < changes; i++) proofs[`${n} ${form} ${i}`] = changedLine(text, below);
        }
      }
      const answers = await readProofs(proofs);
      expect(honest.filter((name) => !answers[name]!.ok)).toEqual([]);
      // Most changes are seen; some lines can be swapped with their like, or are nobody's to check.
      const refused = Object.values(answers).filter(({ ok }) => !ok).length;
      expect(refused / (honest.length * changes)).toBeGreaterThan(0.75);
    });

    /** Of one to three linked subjects, in a log of one to forty leaves and its map. */
    const randomProofs = async (below: (end: number) => number): Promise<{ whole: SmallProof; lines: SmallProof }> => {
      const own = new SmallLog(signed);
      const people = [AYA, OMAR, NOBODY].slice(0, 1 + below(3));
      const leaves = 1 + below(40);
      const type = (): string =>
        [DISCLOSED, DISCLOSED, 'sijill.data.collected.v1', 'sijill.report.generated.v1'][below(4)]!;
      const some = (subjects: readonly string[], count: number): void => {
        for (let n = 0; n < count; n++) {
          if (below(9) === 0) own.foreign('ledger-http/0');
          else own.entry(type(), 'ledger-http/0', { subjectId: subjects[below(subjects.length)]! });
        }
      };
      const before = below(leaves);
      some([...people, STRANGER], before);
      people.slice(1).forEach((other, i) => {
        for (const subjectId of [people[i]!, other]) own.entry(LINKED, 'ledger-vault', { subjectId, edges: [`e${i}`] });
        some([...people, STRANGER], below(2));
      });
      if (below(3) === 0) own.entry(CONFLICTING, 'ledger-vault', { subjectId: people[0]!, case: 'c' });
      some([...people, STRANGER], leaves - before);
      await own.writeMap();
      some([...people, STRANGER], below(3));
      const whole = await own.accounting(people);
      const shown = indicesIn(whole).slice(0, -1);
      const only = shown.filter((at) => own.leaves[at]!.includes(LINKED) || below(3) > 0);
      return { whole, lines: await own.accounting(people, { only }) };
    };

    /** One line dropped, doubled or swapped with another, or with another character in it. */
    const changedLine = (text: string, below: (end: number) => number): string => {
      const all = text.split('\n');
      const [at, other] = [below(all.length), below(all.length)];
      const line = all[at]!;
      switch (below(4)) {
        case 0:
          return all.toSpliced(at, 1).join('\n');
        case 1:
          return all.toSpliced(at, 0, line).join('\n');
        case 2:
          return all.with(at, all[other]!).with(other, line).join('\n');
        default: {
          const character = below(line.length);
          const by = 'Ab09+/= -\r"\u00e9'[below(12)]!;
          return all.with(at, line.slice(0, character) + by + line.slice(character + 1)).join('\n');
        }
      }
    };

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

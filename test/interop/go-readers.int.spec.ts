import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { logSigner, verifierKeyText } from '@sijill/notary';
import {
  consistencyProof,
  formatProof,
  hashInTile,
  hashLeaf,
  inclusionProof,
  tilePath,
  toBase64,
  TreeGrowth,
  utf8,
  type ReadHash,
  type Tile,
} from '@sijill/transparency';
import { freshDataDir } from '../support/sijill.js';
import { describeWithGo } from './describe-with-go.js';

const LEAVES = 70_000;
const OLD = 65_537;
const PROVEN = [0, 1, 255, 256, 65_535, 65_536, 69_999];
const signer = logSigner('log.example/ledger', [new Uint8Array(32).fill(3)]);
const leaf = (index: number): string => `{"leaf":${index},"of":"السجل"}`;

describeWithGo('Go’s libraries for logs', (go) => {
  let folder: string;
  const file = (name: string): string => join(folder, name);
  const save = (name: string, content: string | Uint8Array): void => {
    mkdirSync(dirname(file(name)), { recursive: true });
    writeFileSync(file(name), content);
  };

  beforeAll(() => {
    folder = freshDataDir('go-readers');
    const growth = TreeGrowth.from(0n);
    const tiles = new Map<string, Tile>();
    const keep = (): void => growth.takeChanged().forEach((tile) => tiles.set(`${tile.level}/${tile.index}`, tile));
    let old = '';
    for (let i = 0; i < LEAVES; i++) {
      growth.add(hashLeaf(utf8(leaf(i))));
      if (growth.size === BigInt(OLD)) old = signer.sign(growth.size, growth.root());
    }
    keep();
    const read: ReadHash = (subtree) => {
      const inside = BigInt(subtree.level % 8);
      const place = `${Math.floor(subtree.level / 8)}/${subtree.index >> (8n - inside)}`;
      return hashInTile(subtree, tiles.get(place)!.hashes);
    };
    const now = signer.sign(growth.size, growth.root());
    save('vkey', verifierKeyText(signer.keys));
    save('checkpoint', now);
    save('checkpoint.old', old);
    save('consistency', consistencyProof(BigInt(OLD), growth.size, read).map(toBase64).join('\n'));
    for (const { level, index, hashes } of tiles.values())
      save(tilePath({ level, index, width: hashes.length / 32 }), hashes);
    for (const index of PROVEN) {
      const path = inclusionProof(BigInt(index), growth.size, read);
      save(`leaves/${index}`, leaf(index));
      save(`proofs/${index}`, formatProof({ index: BigInt(index), path, checkpoint: now }));
    }
  });

  it('read our keys, checkpoints, tiles and proofs, and find that all of it holds', async () => {
    expect(await go.read(folder)).toEqual({
      ok: true,
      // 273 full tiles and one of 112; a full one and one of 17 above; one of one.
      checked: { leaves: LEAVES, tiles: 274 + 2 + 1, proofs: PROVEN.length },
    });
  });

  it.each([
    'vkey',
    'checkpoint',
    'checkpoint.old',
    'consistency',
    'leaves/65535',
    'proofs/65536',
    'tile/0/200',
    'tile/0/273.p/112',
    'tile/1/000',
    'tile/2/000.p/1',
  ])('refuse them when one bit of %s is another', async (name) => {
    const bytes = readFileSync(file(name));
    const changed = Buffer.from(bytes);
    changed[Math.floor(changed.length / 2)]! ^= 1;
    writeFileSync(file(name), changed);
    const { ok, reason } = await go.read(folder);
    writeFileSync(file(name), bytes);
    expect([ok, reason]).toEqual([false, expect.any(String)]);
  });

  it('refuse a copy that is not whole', async () => {
    rmSync(file('tile/0/100'));
    expect(readdirSync(file('tile/0'))).not.toContain('100');
    expect((await go.read(folder)).ok).toBe(false);
  });
});

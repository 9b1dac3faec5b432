import { mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfig } from '@sijill/platform';
import { createKeyring } from '@sijill/vault';
import { BackupRefused, restore } from './backup.js';

describe('a backup whose manifest somebody has changed', () => {
  const whole = {
    backup: 'sijill',
    version: 1,
    createdAt: '2026-07-01T00:00:00.000Z',
    position: 0,
    keys: [],
    files: [],
  };
  const file = { name: 'ledger.sqlite', size: 1, sha256: '0'.repeat(64) };

  it.each<[string, unknown]>([
    ['nothing at all', null],
    ['no files', { ...whole, files: undefined }],
    ['files that are no list', { ...whole, files: { length: 1 } }],
    ['a file that is none', { ...whole, files: [null] }],
    ['a file without a name', { ...whole, files: [{ ...file, name: 7 }] }],
    ['a file without a size', { ...whole, files: [{ ...file, size: '1' }] }],
    ['a file without a hash', { ...whole, files: [{ ...file, sha256: undefined }] }],
    ['keys that are no texts', { ...whole, keys: [{}] }],
    ['a file outside', { ...whole, files: [{ ...file, name: '../x' }] }],
  ])('to %s is refused, and nothing is copied', async (_, manifest) => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-manifest-'));
    const dataDir = mkdtempSync(join(tmpdir(), 'sijill-restored-'));
    const keyring = join(folder, 'keyring.json');
    createKeyring(keyring, '2026-07-01T00:00:00.000Z');
    writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
    const config = parseConfig({ SIJILL_DATA_DIR: dataDir, SIJILL_KEYRING_FILE: keyring });
    const restoring = restore(config, folder);
    await expect(restoring).rejects.toThrow(BackupRefused);
    await expect(restoring).rejects.toThrow(/manifest/);
    expect(readdirSync(dataDir)).toEqual([]);
  });
});

import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ed25519Verify, utf8 } from '@sijill/transparency';
import { createKeyFile, readKeyFile } from './key-file.js';
import { KeyFileUnusable, SignerFailed } from './signer-failed.js';
import { signingKeysAt } from './signing-keys.js';

const NOW = Date.UTC(2026, 6, 1);

describe('a key file', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-key-'));
    file = join(folder, 'deep', 'key-1.json');
  });

  it('is made once, whole, for its owner alone, and signs as what it was', async () => {
    expect(createKeyFile(file, NOW)).toBe(true);
    const { publicKey, sign } = readKeyFile(file);
    expect(ed25519Verify(publicKey, utf8('message'), await sign(utf8('message')))).toBe(true);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(join(folder, 'deep')).mode & 0o777).toBe(0o700);
    expect(createKeyFile(file, NOW)).toBe(false);
    expect(readKeyFile(file).publicKey).toEqual(publicKey);
    expect(readdirSync(join(folder, 'deep'))).toEqual(['key-1.json']);
  });

  it.each<[string, () => void, RegExp]>([
    ['is not there', () => undefined, /there is no signing key at .*; put it there from its backup/],
    ['is half written', () => write(readFileSync(made(), 'utf8').slice(0, 90)), /is not whole; put it back/],
    ['is empty', () => write(''), /is not whole; put it back/],
    ['is null', () => write('null'), /holds no signing key; put the right one back/],
    ['is something else', () => write('{"version":2,"ledgerId":"x"}'), /holds no signing key/],
    ['is of another form', () => changed('format', 'sijill signing key v2'), /holds no signing key/],
    ['has a key that is cut', () => changed('privateKey', 'AAAA'), /holds no signing key/],
    [
      'has two halves of two keys',
      () => changed('privateKey', Buffer.alloc(32, 9).toString('base64url')),
      /was damaged/,
    ],
  ])('that %s is refused, with what to do', (_, how, message) => {
    how();
    expect(() => readKeyFile(file)).toThrow(message);
    expect(() => readKeyFile(file)).toThrow(KeyFileUnusable);
    expect(() => readKeyFile(file)).toThrow(SignerFailed);
  });

  function made(): string {
    createKeyFile(file, NOW);
    return file;
  }
  function write(content: string): void {
    writeFileSync(made(), content);
  }
  function changed(member: string, value: string): void {
    write(JSON.stringify({ ...(JSON.parse(readFileSync(made(), 'utf8')) as object), [member]: value }));
  }

  it('is one for each generation, none of which follows from another', async () => {
    const keys = signingKeysAt({ kind: 'file', file: join(folder, 'log-{generation}.json') }, { now: () => NOW });
    await expect(keys.key(1)).rejects.toThrow(KeyFileUnusable);
    const [first, second] = [await keys.newKey(1), await keys.newKey(2)];
    expect(second.publicKey).not.toEqual(first.publicKey);
    // Made before, and by whoever: it is taken.
    expect((await keys.newKey(2)).publicKey).toEqual(second.publicKey);
    expect(readdirSync(folder).sort()).toEqual(['log-1.json', 'log-2.json']);
  });

  it('that has to be made where nothing can be written is asked for by name', async () => {
    // Not even whoever may write everywhere makes a folder below a file.
    writeFileSync(join(folder, 'file'), '');
    const at = join(folder, 'file', 'log-{generation}.json');
    const keys = signingKeysAt({ kind: 'file', file: at }, { now: () => NOW });
    await expect(keys.newKey(2)).rejects.toThrow(/log-2\.json cannot be made from here \(\w+\).*keys signing/s);
  });
});

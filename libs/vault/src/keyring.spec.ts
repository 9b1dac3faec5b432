import { mkdtempSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FilePlace, KeyringUnusable } from './keyring-places/index.js';
import { createKeyring, makeKeyring, readKeyring, type Keyring } from './keyring.js';

describe('the keyring', () => {
  let file: string;
  beforeEach(() => (file = join(mkdtempSync(join(tmpdir(), 'sijill-keyring-')), 'keyring.json')));
  const make = (): ReturnType<typeof createKeyring> => createKeyring(file, '2026-07-01T00:00:00.000Z');
  const change = (how: (keyring: Record<string, unknown>) => void): void => {
    const keyring = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    how(keyring);
    writeFileSync(file, JSON.stringify(keyring));
  };

  it('is read as it was made, by its owner only', () => {
    const made = make();
    const read = readKeyring(file);
    const asText = (keyring: Keyring): string =>
      JSON.stringify(keyring, (_, value: unknown) =>
        value instanceof Map ? [...(value as Map<string, Buffer>)] : value,
      );
    expect(asText(read)).toBe(asText(made));
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(file, '..'))).toEqual(['keyring.json']);
  });

  it('is never written over, and one that another process has made is taken', async () => {
    const first = make();
    expect(make).toThrow(KeyringUnusable);
    expect((await makeKeyring(new FilePlace(file), 'x')).fingerprint).toBe(first.fingerprint);
  });

  it('keeps its fingerprint and the name of the log when a key is added', () => {
    const { fingerprint, logName } = make();
    const sets = ['wrapping', 'index', 'tags', 'authenticator'] as const;
    change((keyring) => {
      for (const name of sets) {
        const set = keyring[name] as { current: string; keys: Record<string, string> };
        set.keys['new'] = Buffer.alloc(32, 7).toString('base64url');
        set.current = 'new';
      }
    });
    const read = readKeyring(file);
    expect([read.fingerprint, read.logName]).toEqual([fingerprint, logName]);
    for (const name of sets) expect(read[name].keys.size).toBe(2);
  });

  it('holds no key that signs: not the log’s, not a witness’s', () => {
    make();
    expect(Object.keys(JSON.parse(readFileSync(file, 'utf8')) as object).sort()).toEqual([
      'authenticator',
      'createdAt',
      'index',
      'ledgerId',
      'tags',
      'version',
      'wrapping',
    ]);
  });

  it.each<[string, (keyring: Record<string, unknown>) => void, RegExp]>([
    ['of the first edition', (keyring) => (keyring['version'] = 1), /first edition[\s\S]*empty folder/],
    ['of a version to come', (keyring) => (keyring['version'] = 3), /no keyring of version 2/],
    ['of no ledger', (keyring) => delete keyring['ledgerId'], /does not say its version and its ledger/],
    ['without a kind of keys', (keyring) => delete keyring['tags'], /a key of tags/],
    ['with a key that is cut', (keyring) => (keyring['tags'] = { current: 'a', keys: { a: 'AAAA' } }), /a key of tags/],
    ['whose current key is gone', (keyring) => ((keyring['index'] as { keys: object }).keys = {}), /a key of index/],
  ])('is refused when it is one %s', (_, how, message) => {
    make();
    change(how);
    expect(() => readKeyring(file)).toThrow(message);
    expect(() => readKeyring(file)).toThrow(KeyringUnusable);
  });

  it('says what to do when it is not there, or half written', () => {
    expect(() => readKeyring(file)).toThrow(/no keyring at[\s\S]*backup/);
    make();
    writeFileSync(file, readFileSync(file, 'utf8').slice(0, 100));
    expect(() => readKeyring(file)).toThrow(/cannot be read as JSON[\s\S]*backup/);
  });
});

import { existsSync, mkdtempSync, readFileSync, statSync, writeFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compactDecrypt } from 'jose';
import { systemClock } from '@sijill/platform';
import { createKeyring, KeyringUnusable, readKeyring } from './keyring.js';
import { seal, SealBroken, unseal } from './seal.js';
import { Vault } from './vault.js';

const phone = (value: string) => ({ scheme: 'phone', value });
const account = (value: string) => ({ scheme: 'account', value });

describe('vault', () => {
  let folder: string;
  const open = (): Promise<Vault> =>
    Vault.open(
      { kind: 'sqlite', file: join(folder, 'vault.sqlite') },
      readKeyring(join(folder, 'keyring.json')),
      systemClock,
      'SA',
    );

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-vault-'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
  });

  it('gives a person one random id, whichever identifier leads to it, after a restart too', async () => {
    const vault = await open();
    const [first] = await vault.resolve([[phone('+966500000042'), account('acc-42')]]);
    const [second] = await vault.resolve([[account('acc-42')]]);
    expect(second!.subjectId).toBe(first!.subjectId);
    expect(first!.subjectId).toMatch(/^[0-9a-f-]{36}$/);
    await vault.close();

    const again = await open();
    expect(await again.find({ scheme: 'phone', value: '0500000042' })).toBe(first!.subjectId);
    expect(await again.identifiersOf(first!.subjectId)).toEqual([account('acc-42'), phone('+966500000042')]);
    expect(await again.find(phone('+966500000043'))).toBeNull();
    await again.close();
  });

  it('links within one batch: a later person knows what an earlier one brought', async () => {
    const vault = await open();
    const [a, b, c] = await vault.resolve([
      [phone('+966500000001')],
      [phone('+966500000001'), account('one')],
      [account('one')],
    ]);
    expect(new Set([a!.subjectId, b!.subjectId, c!.subjectId]).size).toBe(1);
    await vault.close();
  });

  it('goes by the first identifier that is known, and records where another belongs to somebody else', async () => {
    const vault = await open();
    const [layla, omar] = await vault.resolve([[phone('+966500000001')], [account('omar')]]);
    const [mixed] = await vault.resolve([[account('new'), account('omar'), phone('+966500000001')]]);
    expect(mixed!.subjectId).toBe(omar!.subjectId);
    expect(mixed!.conflicts).toEqual([{ scheme: 'phone', subjectId: layla!.subjectId }]);
    expect(await vault.find(account('new'))).toBe(omar!.subjectId);
    expect(await vault.find(phone('+966500000001'))).toBe(layla!.subjectId);
    await vault.close();
  });

  it('makes one subject where two processes meet the same new person at once', async () => {
    const [one, two] = [await open(), await open()];
    const people = Array.from({ length: 50 }, (_, i) => [
      phone(`+9665000001${String(i).padStart(2, '0')}`),
      account(`p-${i}`),
    ]);
    const [left, right] = await Promise.all([one.resolve(people), two.resolve([...people].reverse())]);
    expect(right.reverse().map(({ subjectId }) => subjectId)).toEqual(left.map(({ subjectId }) => subjectId));
    await one.close();
    await two.close();
  });

  it('keeps no identifier and no key in clear on its disk', async () => {
    const vault = await open();
    await vault.resolve([[phone('+966500000042'), { scheme: 'email', value: 'layla@example.com' }]]);
    await vault.close();
    const bytes = readFileSync(join(folder, 'vault.sqlite')).toString('latin1');
    expect(bytes).toContain('vault_identifier');
    expect(bytes).not.toContain('966500000042');
    expect(bytes).not.toContain('layla');
  });

  it('refuses a keyring that is not the one it was made with', async () => {
    await (await open()).close();
    rmSync(join(folder, 'keyring.json'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-02T00:00:00.000Z');
    await expect(open()).rejects.toThrow(KeyringUnusable);
  });
});

describe('keyring', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sijill-keyring-'));

  it('is never written over, and two who make it at once have the same', () => {
    const file = join(folder, 'shared.json');
    const first = createKeyring(file, '2026-07-01T00:00:00.000Z');
    expect(() => createKeyring(file, '2026-07-01T00:00:00.000Z')).toThrow(KeyringUnusable);
    const second = createKeyring(file, '2026-07-01T00:00:00.000Z', 'take what another process has made');
    expect(second.fingerprint).toBe(first.fingerprint);
    expect(readdirSync(folder)).toEqual(['shared.json']);
  });

  it('is readable by its owner only', () => {
    const file = join(folder, 'deep', 'keyring.json');
    createKeyring(file, '2026-07-01T00:00:00.000Z');
    expect(statSync(file).mode & 0o777).toBe(0o600);
  });

  it('says what to do when it is missing or damaged', () => {
    expect(() => readKeyring(join(folder, 'none.json'))).toThrow(/put it back|SIJILL_KEYRING_FILE/);
    writeFileSync(join(folder, 'bad.json'), '{"version":1');
    expect(() => readKeyring(join(folder, 'bad.json'))).toThrow(KeyringUnusable);
    writeFileSync(join(folder, 'short.json'), '{"version":1,"wrapping":{"key":"AAAA"},"index":{"key":"AAAA"}}');
    expect(() => readKeyring(join(folder, 'short.json'))).toThrow(/32 bytes/);
    expect(existsSync(join(folder, 'none.json'))).toBe(false);
  });
});

describe('seal', () => {
  const keys = (byte: number) => ({ holderId: 'subject-1', sealing: Buffer.alloc(32, byte), digest: Buffer.alloc(32) });

  it('opens for the same holder and entry, and with a library that is not ours', async () => {
    const sealed = seal(keys(1), 'entry-1', '{"actor":"router","note":"مرحبا"}');
    expect(unseal(keys(1), 'entry-1', sealed).toString()).toBe('{"actor":"router","note":"مرحبا"}');
    const { plaintext, protectedHeader } = await compactDecrypt(sealed, keys(1).sealing);
    expect(new TextDecoder().decode(plaintext)).toContain('مرحبا');
    expect(protectedHeader).toEqual({ alg: 'dir', enc: 'A256GCM', kid: 'subject-1', ctx: 'entry-1' });
  });

  it('does not open for another entry, another holder, another key, or with a bit changed', () => {
    const sealed = seal(keys(1), 'entry-1', 'x'.repeat(100));
    expect(() => unseal(keys(1), 'entry-2', sealed)).toThrow(SealBroken);
    expect(() => unseal({ ...keys(1), holderId: 'subject-2' }, 'entry-1', sealed)).toThrow(SealBroken);
    expect(() => unseal(keys(2), 'entry-1', sealed)).toThrow(SealBroken);
    const parts = sealed.split('.');
    const text = Buffer.from(parts[3]!, 'base64url');
    text[5]! ^= 1;
    parts[3] = text.toString('base64url');
    expect(() => unseal(keys(1), 'entry-1', parts.join('.'))).toThrow(SealBroken);
  });

  it('never uses a nonce twice', () => {
    const nonces = new Set(Array.from({ length: 5_000 }, () => seal(keys(1), 'e', '').split('.')[2]));
    expect(nonces.size).toBe(5_000);
  });
});

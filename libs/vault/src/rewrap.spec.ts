import { copyFileSync, mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { systemClock } from '@sijill/platform';
import { createKeyring, readKeyring } from './keyring.js';
import { keyIdOf, seal, unseal } from './seal.js';
import { defaultScope } from './secrets.js';
import { Vault } from './vault.js';

const SPEAKER = { producer: 'sms', realm: 'default', mayLink: true, sources: [] };
const NOW = Date.parse('2026-07-01T00:00:00.000Z');

describe('a new wrapping key', () => {
  let folder: string;
  const open = (keyring = 'keyring.json'): Promise<Vault> =>
    Vault.open(
      { kind: 'sqlite', file: join(folder, 'vault.sqlite') },
      readKeyring(join(folder, keyring)),
      systemClock,
      'SA',
    );
  /** How many keys each wrapping key wraps. */
  const wrappedBy = (): Record<string, number> => {
    const file = new Sqlite(join(folder, 'vault.sqlite'), { readonly: true });
    const rows = file.prepare('select wrapped_by, count(*) n from vault_key group by 1').all() as {
      wrapped_by: string;
      n: number;
    }[];
    file.close();
    return Object.fromEntries(rows.map(({ wrapped_by, n }) => [wrapped_by.replace(/^quarantine-day.*/, 'day'), n]));
  };
  const people = (vault: Vault, from: number, to: number): Promise<readonly { subjectId: string }[]> =>
    vault.directory.resolve(
      Array.from({ length: to - from }, (_, i) => ({
        identifiers: [{ scheme: 'account', realm: 'default', value: `a-${from + i}`, verified: true }],
        at: NOW,
        speaker: SPEAKER,
        entryId: '0198a1b2-0000-7000-8000-000000000001',
      })),
    );
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-rewrap-'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
  });

  it('is taken up by whoever has the vault open, wraps all, and what was sealed before opens as before', async () => {
    const [one, other] = [await open(), await open()];
    const before = readKeyring(join(folder, 'keyring.json')).wrapping.current;
    copyFileSync(join(folder, 'keyring.json'), join(folder, 'yesterday.json'));
    const subjects = await people(one, 0, 350);
    const secret = await other.secrets.ofSubject(subjects[17]!.subjectId, defaultScope(NOW));
    const [raw] = await other.secrets.quarantined(['0198a1b2-0000-7000-8000-000000000002']);
    const sealed = [seal(secret, 'e/subject', 'x'), seal(raw!, 'e/quarantine', 'y')];
    const keys = Object.values(wrappedBy()).reduce((sum, n) => sum + n, 0);

    const current = await one.rotate('wrapping');
    expect(current).not.toBe(before);
    // The other has not looked yet, and wraps as it did; it hears of the new one with its next look.
    await people(other, 350, 360);
    await people(other, 360, 370);
    expect(wrappedBy()[current]).toBeGreaterThanOrEqual(10);
    const told: number[] = [];
    expect(await one.secrets.rewrap((rows) => void told.push(rows))).toBe(told.at(-1));
    expect(told.length).toBeGreaterThan(2);
    expect(wrappedBy()).toEqual({ [current]: keys + 20 - 1, day: 1 });
    expect(await one.secrets.rewrap()).toBe(0);

    const fresh = await open();
    for (const vault of [one, other, fresh])
      for (const [i, text] of sealed.entries()) {
        const opened = unseal((await vault.secrets.byId(keyIdOf(text)))!, i === 0 ? 'e/subject' : 'e/quarantine', text);
        expect(opened.toString()).toBe('xy'[i]);
      }
    for (const vault of [one, other, fresh]) await vault.close();

    // Whoever has yesterday's keyring hears which key is missing.
    await expect(open('yesterday.json')).rejects.toThrow(`it lacks the wrapping key ${current}`);
    const known = readKeyring(join(folder, 'yesterday.json'));
    expect([...known.wrapping.keys.keys()]).toEqual([before]);
  });

  it('is gone on with where it was cut short', async () => {
    const vault = await open();
    await people(vault, 0, 350);
    const current = await vault.rotate('wrapping');
    const cut = new Error('cut short');
    await expect(
      vault.secrets.rewrap(() => {
        throw cut;
      }),
    ).rejects.toBe(cut);
    expect(Object.keys(wrappedBy())).toHaveLength(2);
    expect(await vault.secrets.rewrap()).toBeGreaterThan(200);
    expect(Object.keys(wrappedBy())).toEqual([current]);
    await vault.close();
  });

  it('does not come from another ledger', async () => {
    const vault = await open();
    createKeyring(join(folder, 'other.json'), '2026-07-01T00:00:00.000Z');
    copyFileSync(join(folder, 'other.json'), join(folder, 'keyring.json'));
    await expect(vault.rotate('wrapping')).rejects.toThrow("another ledger's");
    expect(readFileSync(join(folder, 'keyring.json'))).toEqual(readFileSync(join(folder, 'other.json')));
    await vault.close();
  });
});

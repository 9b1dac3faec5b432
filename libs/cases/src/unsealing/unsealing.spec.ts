import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import { Access, LedgerSeals, LimitReached, type Consultation, type Reader } from '@sijill/access';
import { ledgerEntry, sealedHash, type StoredEntry } from '@sijill/event-store';
import { newEntryId } from '@sijill/platform';
import type { KnownEntry } from '@sijill/read-models';
import { createKeyring, readKeyring, SealBroken, Vault } from '@sijill/vault';
import type { Confirmation } from '../confirmations/confirmation.js';
import { Confirmations } from '../confirmations/confirmations.js';
import { separationWhenConfirmed } from '../separations/separating.js';
import type { OpenedEntry } from './opened-entry.js';
import { Unsealing, unsealWhenConfirmed, type NotOpened } from './unsealing.js';

const NOON = Date.parse('2026-07-01T12:00:00.000Z');
const huda: Reader = { keyId: 'k1', name: 'Huda', principal: 'huda', roles: ['officer'] };
const noura: Reader = { keyId: 'k2', name: 'Noura', principal: 'noura', roles: ['officer'] };
const RAW = Buffer.from([0xff, 0x00, 0x41]);

describe('unsealing', () => {
  let vault: Vault;
  let vaultFile = '';
  let access: Access;
  let confirmations: Confirmations;
  let unsealing: Unsealing;
  let subjectId = '';
  let covered = false;
  let raw: { value: Buffer | null } | NotOpened = { value: RAW };
  let recorded: Consultation[] = [];
  const entries = new Map<string, StoredEntry>();

  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-unsealing-'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    const clock = { now: () => NOON };
    vaultFile = join(folder, 'vault');
    const file = (name: string) => ({ kind: 'sqlite', file: join(folder, name) }) as const;
    vault = await Vault.open(file('vault'), readKeyring(join(folder, 'keyring.json')), clock, 'SA', 100);
    access = await Access.open(file('access'), { mode: 'production', defaultRegion: 'SA' }, clock);
    const consequences = { unseal: unsealWhenConfirmed, separation: separationWhenConfirmed };
    const keys = { isHeldFor: () => Promise.resolve(true) };
    confirmations = new Confirmations(vault, keys, consequences, clock, { mode: 'production' });
    const record = (consultation: Consultation): Promise<{ entryId: string; position: number }> => {
      recorded.push(consultation);
      return Promise.resolve({ entryId: 'c', position: 1 });
    };
    unsealing = new Unsealing(
      {
        entry: async (entryId) => knownEntry(entries.get(entryId)),
        raw: () => Promise.resolve(raw),
      },
      { secrets: vault.secrets },
      confirmations,
      { covers: () => Promise.resolve(covered) },
      access.limits({ unseal: 3, breakGlass: 1, lookup: 1 }),
      { record },
    );
    [covered, raw, recorded] = [false, { value: RAW }, []];
    entries.clear();
    const speaker = { producer: 'shop', realm: 'default', mayLink: true, sources: [] };
    const identifiers = [{ scheme: 'email', realm: null, value: 'a@example.com', verified: true }];
    subjectId = (await vault.directory.resolve([{ identifiers, at: NOON, speaker, entryId: 'e' }]))[0]!.subjectId;
  });
  afterEach(async () => {
    await vault.close();
    await access.close();
  });

  async function knownEntry(stored: StoredEntry | undefined): Promise<KnownEntry | null> {
    if (stored === undefined) return null;
    const keys = stored.metadata['keys'] as Record<string, string>;
    const there = await vault.secrets.byIds(Object.values(keys ?? {}));
    const parts = Object.fromEntries(
      Object.entries(keys ?? {}).map(([part, keyId]) => [part, there.has(keyId) ? 'closed' : 'destroyed'] as const),
    );
    return { stored, parts, sealed: 'closed' };
  }

  /** An entry about the person, by somebody of the staff. */
  async function entry(of: 'both' | 'subject' | 'nothing' = 'both'): Promise<StoredEntry> {
    const id = newEntryId();
    const { open, kept } = await new LedgerSeals(vault, { now: () => NOON }).for(id, {
      ...(of === 'both' ? { staff: { actor: 'Salma' } } : {}),
      ...(of === 'nothing' ? {} : { subject: { subjectId, said: { reason: 'request 17' } } }),
    });
    const made = ledgerEntry('sijill.data.used.v1', NOON, { ...open, subjectId }, { id, ...kept });
    const hashes = Object.fromEntries(
      Object.entries(kept.sealed ?? {}).map(([part, text]) => [part, sealedHash(text)]),
    );
    const data = { ...made.data, ...(kept.sealed === undefined ? {} : { sealed: hashes }) };
    const stored = { ...made, data, sealed: kept.sealed ?? {}, stream: 'l', revision: 0, position: 1, foreign: false };
    entries.set(id, stored);
    return stored;
  }
  /** As an erasure leaves it, seen by a process that remembers nothing of before. */
  const forget = async (): Promise<void> => {
    const db = new Sqlite(vaultFile);
    db.prepare('delete from vault_key where subject_id = ?').run(subjectId);
    db.prepare(`update vault_meta set value = '9' where name = 'epoch'`).run();
    db.close();
  };

  it('opens each part with its own key, and records that first', async () => {
    const { id } = await entry();
    const opened = (await unsealing.entry(id, { reason: 'a ticket', reader: huda }, false)) as OpenedEntry;
    expect(opened).toMatchObject({
      entryId: id,
      sealed: { subject: { fields: { reason: 'request 17' } }, staff: { actor: 'Salma' } },
      destroyed: false,
    });
    expect(opened.opening.map(({ part, keyId }) => [part, keyId]).sort()).toEqual([
      ['staff', 'staff/2026'],
      ['subject', `subject/${subjectId}/1/default/self/2026`],
    ]);
    expect(recorded).toEqual([
      {
        ...{ what: 'unseal', subjectId, found: true, reason: 'a ticket', reader: huda },
        ...{ about: { entryId: id }, breakGlass: false },
      },
    ]);
  });

  it('shows nothing that could not be recorded', async () => {
    const { id } = await entry();
    const failing = new Unsealing(
      { entry: (entryId) => knownEntry(entries.get(entryId)), raw: () => Promise.resolve(raw) },
      { secrets: { byIds: () => Promise.reject(new Error('opened before it was recorded')) } as never },
      confirmations,
      { covers: () => Promise.resolve(false) },
      access.limits({ unseal: 9, breakGlass: 9, lookup: 9 }),
      { record: () => Promise.reject(new Error('the store is away')) },
    );
    await expect(failing.entry(id, { reason: 'x', reader: huda }, false)).rejects.toThrow('the store is away');
    await expect(failing.entry(id, { reason: 'x', reader: huda }, true)).rejects.toThrow('the store is away');
    await expect(failing.raw(id, { reason: 'x', reader: huda })).rejects.toThrow('the store is away');
    const asked = await confirmations.ask({
      ...{ what: 'unseal', about: { subjectIds: [], entryId: id }, reason: 'x', reader: huda },
    });
    await confirmations.answer(asked.confirmationId, 'given', { reason: 'x', reader: noura });
    await expect(failing.result(asked.confirmationId, huda)).rejects.toThrow('the store is away');
    // And nothing was used up by that.
    expect(await unsealing.result(asked.confirmationId, huda)).toMatchObject({ entryId: id });
  });

  it('opens after an erasure what is not the person’s, and says so; where nothing is left, nothing', async () => {
    const [{ id: both }, { id: own }, { id: bare }] = [await entry(), await entry('subject'), await entry('nothing')];
    await forget();
    const reading = { reason: 'x', reader: huda };
    expect(await unsealing.entry(both, reading, false)).toMatchObject({
      sealed: { staff: { actor: 'Salma' } },
      destroyed: true,
    });
    expect(await unsealing.entry(own, reading, false)).toBe('destroyed');
    expect(await unsealing.entry(bare, reading, false)).toEqual({
      entryId: bare,
      sealed: {},
      opening: [],
      destroyed: false,
    });
    expect(await unsealing.entry(newEntryId(), reading, false)).toBe('unknown');
    // What is not there is not counted.
    expect(await unsealing.entry(bare, reading, false)).toMatchObject({ destroyed: false });
  });

  it('refuses a text that is not the one that was recorded', async () => {
    const [one, other] = [await entry(), await entry()];
    entries.set(one.id, { ...one, sealed: { ...one.sealed, staff: other.sealed['staff']! } });
    await expect(unsealing.entry(one.id, { reason: 'x', reader: huda }, false)).rejects.toThrow(SealBroken);
  });

  it('is counted for the principal, breaking the glass apart from it', async () => {
    const { id } = await entry();
    const reading = { reason: 'x', reader: huda };
    for (let i = 0; i < 2; i++) await unsealing.entry(id, reading, false);
    await unsealing.raw(id, reading);
    await expect(unsealing.entry(id, reading, false)).rejects.toThrow(LimitReached);
    await expect(unsealing.raw(id, { ...reading, reader: { ...huda, keyId: 'k9' } })).rejects.toThrow(
      /SIJILL_LIMIT_UNSEAL/,
    );
    covered = true;
    await expect(unsealing.entry(id, reading, false)).rejects.toThrow(LimitReached);
    expect(await unsealing.entry(id, reading, true)).toMatchObject({ entryId: id });
    await expect(unsealing.entry(id, reading, true)).rejects.toThrow(/SIJILL_LIMIT_BREAK_GLASS/);
    expect(recorded).toHaveLength(4);
    expect(recorded.at(-1)).toMatchObject({ what: 'unseal', breakGlass: true, about: { entryId: id } });
  });

  it('opens nothing before a second person has confirmed it, then for whoever asked, once', async () => {
    covered = true;
    const { id } = await entry();
    const asked = (await unsealing.entry(id, { reason: 'ticket 2201', reader: huda }, false)) as Confirmation;
    expect(asked).toMatchObject({ what: 'unseal', about: { subjectIds: [subjectId], entryId: id }, askedBy: 'huda' });
    expect(recorded).toEqual([]);
    const refused = (reader: Reader, code: string): Promise<void> =>
      expect(unsealing.result(asked.confirmationId, reader)).rejects.toMatchObject({ code });
    await refused(huda, 'not_confirmed');
    await confirmations.answer(asked.confirmationId, 'given', { reason: 'yes', reader: noura });
    await refused(noura, 'not_yours');
    expect(recorded).toEqual([]);
    expect(await unsealing.result(asked.confirmationId, huda)).toMatchObject({ sealed: { staff: { actor: 'Salma' } } });
    // The reason is the one for which it was asked and confirmed.
    expect(recorded).toMatchObject([
      {
        what: 'unseal',
        reason: 'ticket 2201',
        reader: huda,
        about: { entryId: id, confirmationId: asked.confirmationId },
      },
    ]);
    await refused(huda, 'fetched');
    await refused(noura, 'not_yours');
  });

  it('gives the bytes of a quarantined record the same way', async () => {
    const { id } = await entry();
    expect(await unsealing.raw(id, { reason: 'x', reader: huda })).toEqual(RAW);
    expect(recorded.at(-1)).toMatchObject({ what: 'quarantine_raw', about: { entryId: id } });
    covered = true;
    const asked = (await unsealing.raw(id, { reason: 'x', reader: huda })) as Confirmation;
    await confirmations.answer(asked.confirmationId, 'given', { reason: 'yes', reader: noura });
    raw = 'cut';
    expect(await unsealing.result(asked.confirmationId, huda)).toBe('cut');
    raw = { value: null };
    expect(await unsealing.result(asked.confirmationId, huda)).toEqual(Buffer.alloc(0));
  });

  it('gives nothing whose keys went while it waited', async () => {
    covered = true;
    const { id } = await entry('subject');
    const asked = (await unsealing.entry(id, { reason: 'x', reader: huda }, false)) as Confirmation;
    await confirmations.answer(asked.confirmationId, 'given', { reason: 'yes', reader: noura });
    await forget();
    expect(await unsealing.result(asked.confirmationId, huda)).toBe('destroyed');
    expect(recorded).toEqual([]);
  });
});

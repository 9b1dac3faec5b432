import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import Sqlite from 'better-sqlite3';
import type { KyselyPlugin } from 'kysely';
import { systemClock, type Clock } from '@sijill/platform';
import { KeyringUnusable } from './keyring-places/index.js';
import { createKeyring, readKeyring } from './keyring.js';
import { keyIdOf, seal, unseal } from './seal.js';
import { defaultScope, Secrets, SubjectErased, type Scope } from './secrets.js';
import { generationOf } from './tags.js';
import { Vault } from './vault.js';
import { VaultSql } from './vault-sql.js';

const NOW = Date.parse('2026-07-01T00:00:00.000Z');
const scope = (changes: Partial<Scope> = {}): Scope => ({ ...defaultScope(NOW), ...changes });
const SPEAKER = { producer: 'sms', realm: 'default', mayLink: true, sources: [] };

describe('the secrets in the vault', () => {
  let folder: string;
  let vault: Vault;
  const open = (clock: Clock = systemClock): Promise<Vault> =>
    Vault.open(
      { kind: 'sqlite', file: join(folder, 'vault.sqlite') },
      readKeyring(join(folder, 'keyring.json')),
      clock,
      'SA',
    );
  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-secrets-'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    vault = await open();
  });
  afterEach(() => vault.close());

  const person = async (value: string): Promise<string> => {
    const identifiers = [{ scheme: 'phone', realm: null, value, verified: true }];
    const named = { identifiers, at: NOW, speaker: SPEAKER, entryId: '0198a1b2-0000-7000-8000-000000000001' };
    return (await vault.directory.resolve([named]))[0]!.subjectId;
  };
  const rows = (table: string): number => {
    const file = new Sqlite(join(folder, 'vault.sqlite'), { readonly: true });
    const count = file.prepare<[], number>(`select count(*) from ${table}`).pluck().get()!;
    file.close();
    return count;
  };
  const run = (text: string): void => {
    const file = new Sqlite(join(folder, 'vault.sqlite'));
    file.exec(text);
    file.close();
  };

  it('of a subject differ by class, customer and year, follow from one row, and are the same for another process', async () => {
    const subjectId = await person('+966500000042');
    const before = rows('vault_key');
    const wanted = [scope(), scope({ year: 2027 }), scope({ controller: 'bank' }), scope({ retentionClass: 'law' })];
    const sealed = await Promise.all(
      wanted.map(async (each) => seal(await vault.secrets.ofSubject(subjectId, each), 'e/subject', 'x')),
    );
    expect(new Set(sealed.map(keyIdOf)).size).toBe(wanted.length);
    expect(rows('vault_key')).toBe(before);
    const other = await open();
    for (const [i, text] of sealed.entries()) {
      expect(unseal((await other.secrets.byId(keyIdOf(text)))!, 'e/subject', text).toString()).toBe('x');
      expect(keyIdOf(text)).toBe((await other.secrets.ofSubject(subjectId, wanted[i]!)).keyId);
    }
    await other.close();
  });

  it('say nothing of a customer in their ids, whatever id it has', async () => {
    const [one, two] = [await person('+966500000042'), await person('+966500000043')];
    const keyIds = await Promise.all(
      [one, two].map(async (each) => (await vault.secrets.ofSubject(each, scope({ controller: '0500000042' }))).keyId),
    );
    expect(keyIds.join()).not.toContain('0500000042');
    const customers = keyIds.map((keyId) => keyId.split('/')[4]);
    expect(customers[0]).not.toBe(customers[1]);
  });

  it('are gone for every process once the epoch has risen, and nothing more is sealed for them', async () => {
    const subjectId = await person('+966500000042');
    const secret = await vault.secrets.ofSubject(subjectId, scope());
    run(`delete from vault_key where holder = 'subject/${subjectId}'`);
    run(`update vault_meta set value = cast(value as integer) + 1 where name = 'epoch'`);
    expect(await vault.secrets.byId(secret.keyId)).toBeNull();
    await expect(vault.secrets.ofSubject(subjectId, scope())).rejects.toThrow(SubjectErased);
    expect(await vault.secrets.hasSubject(subjectId)).toBe(false);
  });

  it('take along what leads to their subject: in every process its identifiers make somebody new, and fail nothing', async () => {
    const phone = '+966500000042';
    const warm = await open();
    const forgotten = await person(phone);
    const resolvedIn = async (each: Vault): Promise<string> => {
      const identifiers = [{ scheme: 'phone', realm: null, value: phone, verified: true }];
      const named = { identifiers, at: NOW, speaker: SPEAKER, entryId: '0198a1b2-0000-7000-8000-000000000002' };
      const [resolved] = await each.directory.resolve([named]);
      return (await each.secrets.ofSubject(resolved!.subjectId, scope())).keyId.split('/')[1]!;
    };
    expect(await resolvedIn(warm)).toBe(forgotten);
    run(`delete from vault_key where holder = 'subject/${forgotten}'`);
    run(`update vault_meta set value = cast(value as integer) + 1 where name = 'epoch'`);
    const anew = await resolvedIn(warm);
    expect(anew).not.toBe(forgotten);
    const fresh = await open();
    for (const each of [vault, fresh]) expect(await resolvedIn(each)).toBe(anew);
    // It was there: that is not the same as never having been.
    expect(await fresh.directory.person(forgotten)).toEqual({ linked: [], openConflicts: 0 });
    expect(await fresh.directory.identifiersOf([forgotten])).toEqual([]);
    for (const each of [warm, fresh]) await each.close();
  });

  it('leave no byte behind in the file', async () => {
    const file = join(folder, 'vault.sqlite');
    const subjectId = await person('+966500000042');
    const database = new Sqlite(file);
    database.pragma('wal_checkpoint(TRUNCATE)');
    const wrapped = database
      .prepare('select wrapped from vault_key where holder = ?')
      .pluck()
      .get(`subject/${subjectId}`);
    database.close();
    expect(readFileSync(file).includes(wrapped as string)).toBe(true);
    const keyring = readKeyring(join(folder, 'keyring.json'));
    const other = await VaultSql.open({ kind: 'sqlite', file }, keyring);
    await other.change(({ trx, raiseEpoch }) => {
      raiseEpoch();
      return trx.deleteFrom('vault_key').where('subject_id', '=', subjectId).execute();
    });
    other.sql.connection!.pragma('wal_checkpoint(TRUNCATE)');
    expect(readFileSync(file).includes(wrapped as string)).toBe(false);
    await other.close();
  });

  it('are not remembered when they were destroyed while they were read', async () => {
    const subjectId = await person('+966500000042');
    const keyring = readKeyring(join(folder, 'keyring.json'));
    const target = { kind: 'sqlite', file: join(folder, 'vault.sqlite') } as const;
    const database = await VaultSql.open(target, keyring);
    const secrets = new Secrets(database, keyring, systemClock, 10);
    await database.look();
    let arrive = (): void => undefined;
    const answer = new Promise<void>((resolve) => (arrive = resolve));
    const late: KyselyPlugin = {
      transformQuery: ({ node }) => node,
      transformResult: ({ result }) => answer.then(() => result),
    };
    // The read goes over one connection and takes its time, the look over another.
    const [beside, slow] = [await VaultSql.open(target, keyring), database.sql.reader.withPlugin(late)];
    Object.assign(database.sql, { reader: slow });
    const read = secrets.ofSubjects([subjectId]);
    await pause(20);
    run(`delete from vault_key where holder = 'subject/${subjectId}'`);
    run(`update vault_meta set value = cast(value as integer) + 1 where name = 'epoch'`);
    Object.assign(database.sql, { reader: beside.sql.reader });
    await database.look();
    Object.assign(database.sql, { reader: slow });
    arrive();
    expect((await read).size).toBe(1);
    await expect(secrets.ofSubjects([subjectId])).rejects.toThrow(SubjectErased);
    await beside.close();
    await database.close();
  });

  it('of a root that was made anew are others', async () => {
    const subjectId = await person('+966500000042');
    const { keyId } = await vault.secrets.ofSubject(subjectId, scope());
    run(`update vault_meta set value = cast(value as integer) + 1 where name = 'epoch'`);
    run(`update vault_key set generation = 2 where holder = 'subject/${subjectId}'`);
    // Its generation is bound to it: a row whose generation was changed by hand does not unwrap.
    await expect(vault.secrets.byId(keyId)).rejects.toThrow();
  });

  it('of several subjects are one each time, and remember whose they are', async () => {
    const subjects = [await person('+966500000042'), await person('+966500000043')];
    const [one, two] = await vault.secrets.shared([subjects, [...subjects].reverse()]);
    expect(one!.keyId).not.toBe(two!.keyId);
    expect(rows('vault_share')).toBe(4);
    expect((await vault.secrets.byId(one!.keyId))!.keyId).toBe(one!.keyId);
    const sealed = seal(one!, 'event/d', 'details');
    const other = await open();
    expect(unseal((await other.secrets.byId(one!.keyId))!, 'event/d', sealed).toString()).toBe('details');
    await other.close();
  });

  it('of quarantined records go with their day', async () => {
    const clock = { now: () => NOW };
    await vault.close();
    vault = await open(clock);
    const [secret] = await vault.secrets.quarantined(['0198a1b2-0000-7000-8000-000000000001']);
    const sealed = seal(secret!, 'e/quarantine', 'bytes');
    const other = await open(clock);
    expect(unseal((await other.secrets.byId(secret!.keyId))!, 'e/quarantine', sealed).toString()).toBe('bytes');
    run(`delete from vault_key where holder = 'quarantine-day/2026-07-01'`);
    run(`update vault_meta set value = cast(value as integer) + 1 where name = 'epoch'`);
    expect(await other.secrets.byId(secret!.keyId)).toBeNull();
    await other.close();
  });

  it('of staff and ledger are one for each year', async () => {
    expect((await vault.secrets.ofStaff(2026)).keyId).toBe('staff/2026');
    const sealed = seal(await vault.secrets.ofLedger(2026), 'e/ledger', 'x');
    const other = await open();
    expect(unseal(await other.secrets.ofLedger(2026), 'e/ledger', sealed).toString()).toBe('x');
    await other.close();
  });

  it('name the wrapping key that is missing', async () => {
    await vault.secrets.ofStaff(2026);
    run(`update vault_key set wrapped_by = 'w-lost' where holder = 'staff/2026'`);
    const other = await open();
    await expect(other.secrets.byId('staff/2026')).rejects.toThrow(/no wrapping key w-lost[\s\S]*staff/);
    await other.close();
  });

  it('cannot be moved from one row to another', async () => {
    await vault.secrets.ofStaff(2026);
    await vault.secrets.ofLedger(2026);
    run(
      `update vault_key set wrapped = (select wrapped from vault_key where holder = 'ledger/2026') where holder = 'staff/2026'`,
    );
    const other = await open();
    await expect(other.secrets.byId('staff/2026')).rejects.toThrow();
    await other.close();
  });

  it('are refused to another keyring', async () => {
    createKeyring(join(folder, 'other.json'), 'x');
    const target = { kind: 'sqlite', file: join(folder, 'vault.sqlite') } as const;
    await expect(Vault.open(target, readKeyring(join(folder, 'other.json')), systemClock, 'SA')).rejects.toThrow(
      KeyringUnusable,
    );
  });
});

describe('the keys of tags', () => {
  it.each([
    ['2026-01-01T00:00:00.000Z', '2026Q1'],
    ['2026-03-31T23:59:59.999Z', '2026Q1'],
    ['2026-04-01T00:00:00.000Z', '2026Q2'],
    ['2026-12-31T23:59:59.999Z', '2026Q4'],
    ['1969-12-31T23:59:59.999Z', '1969Q4'],
  ])('are of the quarter of a time (%s)', (time, generation) =>
    expect(generationOf(Date.parse(time))).toBe(generation),
  );

  it('are the same for two processes, and others for each quarter, ledger and kind', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-tags-'));
    createKeyring(join(folder, 'keyring.json'), 'x');
    const open = (): Promise<Vault> =>
      Vault.open(
        { kind: 'sqlite', file: join(folder, 'vault.sqlite') },
        readKeyring(join(folder, 'keyring.json')),
        systemClock,
        'SA',
      );
    const later = Date.parse('2026-10-01T00:00:00Z');
    const [one, two] = [await open(), await open()];
    const tagsOf = async (vault: Vault): Promise<string[]> => {
      const keyAt = await vault.tags.ready([NOW, later]);
      return [
        keyAt(NOW).tag('event', 'a', '/s', '1'),
        keyAt(NOW).tag('event', 'b', '/s', '1'),
        keyAt(NOW).tag('party', 'a', '/s', '1'),
        keyAt(later).tag('event', 'a', '/s', '1'),
        keyAt(NOW).digest('text'),
      ];
    };
    const tags = await tagsOf(one);
    expect(await tagsOf(two)).toEqual(tags);
    expect(new Set(tags).size).toBe(5);
    expect(tags.map(({ length }) => length)).toEqual([22, 22, 22, 22, 43]);
    await one.close();
    await two.close();
  });
});

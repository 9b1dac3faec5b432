import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import Sqlite from 'better-sqlite3';
import pg from 'pg';
import type { SqlTarget } from '@sijill/platform';
import {
  createKeyring,
  defaultScope,
  generationOf,
  keyIdOf,
  KeyNeeded,
  KeyringUnusable,
  readKeyring,
  seal,
  SubjectErased,
  unseal,
  Vault,
} from '@sijill/vault';
import { describeWithPostgres, type SharedPostgres } from '../support/postgres/describe-with-postgres.js';
import { freshDataDir } from '../support/sijill.js';

const SPEAKER = { producer: 'sms', realm: 'default', mayLink: true, sources: [] };
const LISTENER = { ...SPEAKER, producer: 'listener', mayLink: false };
const NOW = Date.parse('2026-07-01T00:00:00.000Z');
const DAY_MS = 86_400_000;
const CLOCK = { now: () => NOW };

/** A vault's database, as somebody has it who is not the vault. */
interface Place {
  readonly target: SqlTarget;
  /** With a connection of its own, as from a shell; the rows as lists. Without foreign keys only what is put in is not held to them. */
  shell(text: string, foreignKeys?: boolean): Promise<unknown[][]>;
  /** The database as it is now, in another place: a backup. */
  copy(): Promise<SqlTarget>;
  /** The files that hold a text; null where what the files hold is not the vault's to say (docs/adr/0018). */
  filesWith(text: string): string[] | null;
}

function sqlitePlace(folder: string): Place {
  const file = join(folder, 'vault.sqlite');
  const shell = (text: string, foreignKeys = true): Promise<unknown[][]> => {
    const connection = new Sqlite(file);
    connection.pragma(`foreign_keys = ${foreignKeys ? 'ON' : 'OFF'}`);
    const statement = connection.prepare(text);
    const rows = statement.reader ? (statement.raw().all() as unknown[][]) : (statement.run(), []);
    connection.close();
    return Promise.resolve(rows);
  };
  return {
    target: { kind: 'sqlite', file },
    shell,
    copy: async () => {
      await shell('pragma wal_checkpoint(truncate)');
      const to = join(folder, 'backup.sqlite');
      copyFileSync(file, to);
      return { kind: 'sqlite', file: to };
    },
    filesWith: (text) =>
      ['vault.sqlite', 'vault.sqlite-wal', 'vault.sqlite-journal'].filter(
        (name) => existsSync(join(folder, name)) && readFileSync(join(folder, name)).includes(text),
      ),
  };
}

async function postgresPlace(folder: string, postgres: SharedPostgres): Promise<Place> {
  const url = await postgres.freshDatabase('rotation');
  const shellAt = async (
    at: string,
    text: string,
    values: unknown[] = [],
    foreignKeys = true,
  ): Promise<unknown[][]> => {
    const client = new pg.Client({ connectionString: at });
    await client.connect();
    try {
      if (!foreignKeys) await client.query('set session_replication_role = replica');
      return (await client.query<unknown[]>({ text, values, rowMode: 'array' })).rows;
    } finally {
      await client.end();
    }
  };
  return {
    target: { kind: 'postgresql', url },
    shell: (text, foreignKeys) => shellAt(url, text, [], foreignKeys),
    copy: async () => {
      const to = await postgres.freshDatabase('rotation');
      const target: SqlTarget = { kind: 'postgresql', url: to };
      await (await Vault.open(target, readKeyring(join(folder, 'keyring.json')), CLOCK, 'SA', 1)).close();
      // What says which keys the vault needs.
      for (const table of ['vault_key', 'vault_meta']) {
        await shellAt(to, `delete from ${table}`);
        const rows = await shellAt(url, `select to_json(each) from ${table} each`);
        await shellAt(to, `insert into ${table} select * from json_populate_recordset(null::${table}, $1)`, [
          JSON.stringify(rows.flat()),
        ]);
      }
      return target;
    },
    filesWith: () => null,
  };
}

function contract(database: string, freshPlace: (folder: string) => Promise<Place>): void {
  let folder: string;
  let place: Place;
  let opened: Vault[];
  const at = (name: string): string => join(folder, name);
  const open = async (target: SqlTarget = place.target): Promise<Vault> => {
    const vault = await Vault.open(target, readKeyring(at('keyring.json')), CLOCK, 'SA', 1_000);
    opened.push(vault);
    return vault;
  };
  const account = (n: number | string) => ({
    scheme: 'account',
    realm: 'default' as string | null,
    value: `a-${n}`,
    verified: true,
  });
  const phone = (n: number) => ({ scheme: 'phone', realm: null, value: `+96650000000${n}`, verified: true });
  type Named = ReturnType<typeof account> | ReturnType<typeof phone>;
  const tell = async (vault: Vault, identifiers: readonly Named[], by = SPEAKER, when = NOW) => {
    const named = { identifiers, at: when, speaker: by, entryId: '0198a1b2-0000-7000-8000-000000000001' };
    return (await vault.directory.resolve([named]))[0]!;
  };
  const subjectOf = async (vault: Vault, ...identifiers: Named[]): Promise<string> =>
    (await tell(vault, identifiers)).subjectId;
  const people = (vault: Vault, count: number): Promise<readonly { subjectId: string }[]> =>
    vault.directory.resolve(
      Array.from({ length: count }, (_, n) => ({
        ...{ identifiers: [account(n)], at: NOW, speaker: SPEAKER },
        entryId: '0198a1b2-0000-7000-8000-000000000001',
      })),
    );
  /** The ids of the keys under which identifiers, cuts and uses stand. */
  const keysOf = async (table: string): Promise<string[]> => {
    const indexes = (await place.shell(`select blind_index from ${table}`)).flat() as string[];
    return [...new Set(indexes.map((index) => index.split('.')[0]!))];
  };
  beforeEach(async () => {
    opened = [];
    folder = freshDataDir('rotation');
    createKeyring(at('keyring.json'), '2026-07-01T00:00:00.000Z');
    place = await freshPlace(folder);
  });
  afterEach(async () => {
    for (const vault of opened) await vault.close();
  });

  describe(`on ${database} a new key of the index`, () => {
    it('finds everybody as before while some stand under the old one, in every process, and binds under the new one', async () => {
      const [one, other] = [await open(), await open()];
      const before = await people(one, 350);
      const old = readKeyring(at('keyring.json')).index.current;
      expect(await subjectOf(other, account(5))).toBe(before[5]!.subjectId);
      // The other has yesterday's keyring in memory, and decides what nobody knew.
      const current = await one.rotate('index');
      const fresh = await subjectOf(other, account('new'));
      expect(await subjectOf(one, account('new'))).toBe(fresh);
      expect(await subjectOf(other, account(6), phone(1))).toBe(before[6]!.subjectId);
      expect(await subjectOf(one, phone(1))).toBe(before[6]!.subjectId);
      expect((await one.directory.lookUp(account(7), NOW))?.subjectId).toBe(before[7]!.subjectId);
      expect(await one.directory.indexedBefore()).toBe(349);

      const told: number[] = [];
      expect(await other.directory.reindex((done) => void told.push(done))).toBe(349);
      expect(told).toEqual([100, 200, 300, 349]);
      expect(await keysOf('vault_binding')).toEqual([current]);
      expect(await place.shell(`select value from vault_meta where name = 'index'`)).toEqual([[current]]);
      for (const vault of [one, other, await open()]) {
        expect((await people(vault, 350)).map(({ subjectId }) => subjectId)).toEqual(
          before.map(({ subjectId }) => subjectId),
        );
        expect(await vault.directory.identifiersOf([before[6]!.subjectId])).toMatchObject([
          { value: 'a-6' },
          { value: '+966500000001' },
        ]);
      }
      await one.dropKey(old);
      expect(await subjectOf(other, account(8))).toBe(before[8]!.subjectId);
    });

    it('takes releases, conflicts and who else has used an identifier along', async () => {
      const vault = await open();
      const june = await subjectOf(vault, phone(1));
      const released = await vault.directory.release({ identifier: phone(1), at: NOW - DAY_MS, speaker: SPEAKER });
      const july = await subjectOf(vault, phone(1));
      const customer = await subjectOf(vault, account(1));
      const { cases } = await tell(vault, [account(1), phone(1)], LISTENER);
      const before = await vault.directory.lookUp(phone(1), NOW);
      expect([released.subjectId, cases.length, before?.shared]).toEqual([june, 1, [june, customer].sort()]);
      await vault.rotate('index');
      // The one that a batch names is brought over with it, the others by and by.
      expect(await tell(vault, [account(1), phone(1)], LISTENER)).toMatchObject({ subjectId: customer, cases });
      for (const work of [() => tell(vault, [account(1), phone(1), account(2)]), () => vault.directory.reindex()]) {
        await work();
        expect((await tell(vault, [phone(1)], SPEAKER, NOW - 2 * DAY_MS)).subjectId).toBe(june);
        expect((await tell(vault, [phone(1)])).subjectId).toBe(july);
        expect(
          await vault.directory.release({ identifier: phone(1), at: NOW - DAY_MS, speaker: SPEAKER }),
        ).toMatchObject({ subjectId: june, ended: false });
      }
      for (const table of ['vault_binding', 'vault_cut', 'vault_use']) expect(await keysOf(table)).toHaveLength(1);
    });

    it('is gone on with where it was cut short, and a second one does not wait for the first', async () => {
      const vault = await open();
      const before = await people(vault, 250);
      await vault.rotate('index');
      const cut = new Error('cut short');
      const cutting = vault.directory.reindex(() => {
        throw cut;
      });
      await expect(cutting).rejects.toBe(cut);
      const last = await vault.rotate('index');
      expect(await keysOf('vault_binding')).toHaveLength(2);
      expect(await subjectOf(vault, account(3))).toBe(before[3]!.subjectId);
      await vault.directory.reindex();
      expect(await keysOf('vault_binding')).toEqual([last]);
      expect(await people(vault, 250)).toMatchObject(before.map(({ subjectId }) => ({ subjectId })));
    });

    it('that was made and never came to the vault is taken up by the next rotation', async () => {
      const vault = await open();
      const subject = await subjectOf(vault, account(1));
      const lost = await readKeyring(at('keyring.json')).add('index');
      expect(await subjectOf(await open(), account(1))).toBe(subject);
      expect(await vault.rotate('index')).toBe(lost);
      expect(await subjectOf(vault, account(1))).toBe(subject);
    });

    it('is named by a process that cannot read it, which binds nothing and answers nothing wrong', async () => {
      const [one, other] = [await open(), await open()];
      const subject = await subjectOf(other, account(1));
      renameSync(at('keyring.json'), at('newest.json'));
      copyFileSync(at('newest.json'), at('keyring.json'));
      const bindings = await place.shell('select cast(count(*) as integer) from vault_binding');
      const current = await one.rotate('index');
      renameSync(at('newest.json'), at('keyring.json'));
      for (const work of [
        () => subjectOf(other, account(1)),
        () => subjectOf(other, account(2)),
        () => other.directory.lookUp(account(1), NOW),
        () => other.directory.release({ identifier: account(1), at: NOW, speaker: SPEAKER }),
        () => open(),
      ])
        await expect(work()).rejects.toThrow(current);
      expect(await place.shell('select cast(count(*) as integer) from vault_binding')).toEqual(bindings);
      expect(subject).toBeDefined();
    });
  });

  describe(`on ${database} a keyring that cannot be read again`, () => {
    it('is said to be that, and why, by whoever needs a new key of it', async () => {
      const [one, other] = [await open(), await open()];
      const before = readFileSync(at('keyring.json'), 'utf8');
      const current = await one.rotate('wrapping');
      const newest = readFileSync(at('keyring.json'), 'utf8');
      rmSync(at('keyring.json'));
      // Not even who may read everything reads a folder.
      mkdirSync(at('keyring.json'));
      const binding = subjectOf(other, account(1));
      await expect(binding).rejects.toThrow(KeyringUnusable);
      await expect(binding).rejects.toThrow(
        new RegExp(
          `it lacks the wrapping key ${current}, and could not be read again: .*cannot be read \\(EISDIR\\); let this user read it$`,
        ),
      );
      // One that is there, and older, is said to be that.
      rmdirSync(at('keyring.json'));
      writeFileSync(at('keyring.json'), before);
      await expect(subjectOf(other, account(1))).rejects.toThrow(/it lacks the wrapping key [\w-]+\. Put the newest/);
      writeFileSync(at('keyring.json'), newest);
      expect(await subjectOf(other, account(1))).toBeDefined();
    });
  });

  describe(`on ${database} a wrapping key that was dropped`, () => {
    it('was needed by nothing; an old copy of the vault does not open any more, nor does a byte of it stand in the files', async () => {
      const vault = await open();
      const [subject] = await people(vault, 150);
      const old = readKeyring(at('keyring.json')).wrapping.current;
      const sealed = seal(await vault.secrets.ofSubject(subject!.subjectId, defaultScope(NOW)), 'e/subject', 'x');
      const [[wrapped]] = (await place.shell(
        `select wrapped from vault_key where subject_id = '${subject!.subjectId}'`,
      )) as [[string]];
      expect(place.filesWith(wrapped)).not.toEqual([]);
      const backup = await place.copy();

      await expect(vault.dropKey(old)).rejects.toThrow(/is the wrapping key that is used now[\s\S]*rotate wrapping/);
      const current = await vault.rotate('wrapping');
      await expect(vault.dropKey(old)).rejects.toThrow(/still needed by 150 of the vault.s keys; servers/);
      await expect(vault.dropKey(old)).rejects.toThrow(KeyNeeded);
      await expect(vault.dropKey('w-nowhere')).rejects.toThrow(/no key w-nowhere that can be dropped; it has w-/);
      expect(await vault.secrets.rewrap()).toBe(150);
      // With the older keyring the bytes would open what was wrapped before.
      expect(place.filesWith(wrapped) ?? []).toEqual([]);
      expect(await vault.neededKeys()).not.toContain(old);
      const copy = await open(backup);
      expect(await copy.neededKeys()).toContain(old);
      await copy.close();
      opened.pop();

      await vault.dropKey(old);
      expect([...readKeyring(at('keyring.json')).wrapping.keys.keys()]).toEqual([current]);
      await expect(open(backup)).rejects.toThrow(`it lacks the wrapping key ${old}`);
      for (const each of [vault, await open()])
        expect(unseal((await each.secrets.byId(keyIdOf(sealed)))!, 'e/subject', sealed).toString()).toBe('x');
    });

    it('is not used by a process that has not heard of it: it wraps with the newest, or not at all', async () => {
      const [one, other] = [await open(), await open()];
      const old = readKeyring(at('keyring.json')).wrapping.current;
      await people(other, 3);
      await one.rotate('wrapping');
      await one.secrets.rewrap();
      await one.dropKey(old);
      await subjectOf(other, account('late'));
      expect(await place.shell(`select cast(count(*) as integer) from vault_key where wrapped_by = '${old}'`)).toEqual([
        [0],
      ]);
      const newest = await one.rotate('wrapping');
      renameSync(at('keyring.json'), at('elsewhere.json'));
      await expect(subjectOf(other, account('later'))).rejects.toThrow(newest);
      renameSync(at('elsewhere.json'), at('keyring.json'));
      await subjectOf(other, account('later'));
    });

    it('leaves rows that were damaged as they are, and stays for them', async () => {
      const vault = await open();
      await people(vault, 5);
      const old = readKeyring(at('keyring.json')).wrapping.current;
      await place.shell(
        `update vault_key set wrapped = 'AAAA' || substr(wrapped, 5) where holder = (select max(holder) from vault_key)`,
      );
      await vault.rotate('wrapping');
      expect(await vault.secrets.rewrap()).toBe(4);
      expect(await vault.secrets.wrappedBefore()).toBe(1);
      await expect(vault.dropKey(old)).rejects.toThrow('still needed by 1 of the');
    });
  });

  describe(`on ${database} the keys of tags`, () => {
    const tagOf = async (vault: Vault, time: number): Promise<[string, string]> => {
      const key = (await vault.tags.ready([time]))(time);
      return [key.generation, key.tag('event', 'a', '/s', '1')];
    };
    const year = (ago: number): number => NOW - ago * 365 * DAY_MS;

    it('are destroyed once, in every process at once, with their bytes, and never made anew', async () => {
      const [one, other] = [await open(), await open()];
      const old = await tagOf(one, year(2));
      expect(await tagOf(other, year(2))).toEqual(old);
      expect(old[0]).toBe('2024Q3');
      const [[wrapped]] = (await place.shell(`select wrapped from vault_key where holder like 'tags/%'`)) as [[string]];
      const epoch = await place.shell(`select value from vault_meta where name = 'epoch'`);
      expect(await one.tags.destroy(NOW - 400 * DAY_MS)).toEqual(['2024Q3']);
      expect(place.filesWith(wrapped) ?? []).toEqual([]);
      expect(await place.shell(`select value from vault_meta where name = 'epoch'`)).not.toEqual(epoch);
      expect(await one.tags.destroy(NOW - 400 * DAY_MS)).toEqual([]);

      // What happened so long ago is tagged in the oldest quarter that is left, the same in every process.
      const [generation, tag] = await tagOf(other, year(2));
      expect(generation).toBe(generationOf(NOW - 400 * DAY_MS));
      expect(tag).not.toBe(old[1]);
      for (const vault of [one, await open()]) {
        expect(await tagOf(vault, year(2))).toEqual([generation, tag]);
        expect(await tagOf(vault, Date.parse('0999-01-01T00:00:00Z'))).toEqual([generation, tag]);
      }
      expect(await place.shell(`select cast(count(*) as integer) from vault_key where holder like 'tags/%'`)).toEqual([
        [1],
      ]);
      // A clock that is behind makes none of them either.
      expect(await one.tags.destroy(year(9))).toEqual([]);
      expect((await tagOf(one, year(2)))[0]).toBe(generation);
    });

    it('that are due are destroyed all together, however long nobody looked', async () => {
      const vault = await open();
      for (const ago of [1, 2, 3, 4]) await tagOf(vault, year(ago));
      expect(await vault.tags.destroy(year(1) - DAY_MS)).toEqual(['2022Q3', '2023Q3', '2024Q3']);
      expect((await tagOf(vault, year(1)))[0]).toBe('2025Q3');
    });

    it('stay with the key of the keyring that they were made with; a new one is taken by new quarters', async () => {
      const [one, other] = [await open(), await open()];
      const before = await tagOf(one, NOW);
      const old = readKeyring(at('keyring.json')).tags.current;
      const current = await one.rotate('tags');
      expect(await tagOf(other, NOW)).toEqual(before);
      const next = await tagOf(other, NOW + 100 * DAY_MS);
      expect(await tagOf(await open(), NOW)).toEqual(before);
      expect(await tagOf(one, NOW + 100 * DAY_MS)).toEqual(next);
      expect(await place.shell(`select holder from vault_key where holder like 'tags/%' order by 1`)).toEqual([
        [`tags/2026Q3/${old}`],
        [`tags/2026Q4/${current}`],
      ]);
      await expect(one.dropKey(old)).rejects.toThrow(/still needed by 1 of the vault.s quarters/);
      await one.tags.destroy(NOW + 100 * DAY_MS);
      await one.dropKey(old);
      await expect(one.dropKey(current)).rejects.toThrow(KeyNeeded);
      expect(await tagOf(other, NOW)).toEqual(next);
    });

    it('name the key of the keyring that is missing', async () => {
      const vault = await open();
      await tagOf(vault, NOW);
      await place.shell(`update vault_key set holder = 'tags/2026Q3/t-lost' where holder like 'tags/2026Q3/%'`);
      // A secret does not open in another row, whatever its name says.
      await expect(tagOf(await open(), NOW)).rejects.toThrow('it was changed');
      await place.shell(`update vault_meta set value = 't-lost' where name = 'tags'`);
      await expect(open()).rejects.toThrow('it lacks the tag key t-lost');
      await expect(open()).rejects.toThrow(KeyringUnusable);
    });
  });

  describe(`on ${database} a key by which the ledger knows its entries`, () => {
    const ADDED = 'a-00000000added';
    const withAdded = (text: string): string => {
      const content = JSON.parse(text) as { authenticator: { current: string; keys: Record<string, string> } };
      content.authenticator.keys[ADDED] = Buffer.alloc(32, 7).toString('base64url');
      content.authenticator.current = ADDED;
      return JSON.stringify(content);
    };

    it('is missed by who lacks it, once it is on the ledger’s list; one that somebody made up is not', async () => {
      const [one, late] = [await open(), await open()];
      const missed = (vault: Vault): Promise<void> => vault.refuseWithoutAuthenticators(['a-made-up', ADDED]);
      const yesterday = readFileSync(at('keyring.json'), 'utf8');
      writeFileSync(at('keyring.json'), withAdded(yesterday));
      const newest = await open();
      // Whoever only looks puts nothing on the list.
      writeFileSync(at('keyring.json'), yesterday);
      await missed(one);
      await newest.takeAuthenticators();
      await newest.takeAuthenticators();
      for (const work of [
        () => missed(one),
        () => one.refuseOldKeyring(),
        () => subjectOf(one, account(1)),
        () => open(),
      ])
        await expect(work()).rejects.toThrow(`it lacks the authenticator key ${ADDED}. Put the newest one back`);
      await one.refuseWithoutAuthenticators(['a-made-up']);
      await missed(newest);
      expect(await newest.neededKeys()).toContain(ADDED);

      writeFileSync(at('keyring.json'), withAdded(yesterday));
      for (const vault of [one, late, await open()]) {
        await missed(vault);
        await vault.refuseOldKeyring();
      }
      const listed = (await place.shell(`select value from vault_meta where name = 'authenticators'`)) as [[string]];
      expect(listed[0][0].split(',')).toEqual([...readKeyring(at('keyring.json')).authenticator.keys.keys()]);
    });
  });

  describe(`on ${database} a key that somebody destroys in a shell`, () => {
    const remove = (subjectId: string): string => `delete from vault_key where holder = 'subject/${subjectId}'`;

    // PostgreSQL's shell has no such choice.
    it.each(database === 'SQLite' ? [true, false] : [true])(
      'with foreign keys %s is gone at once for processes that remember it: its identifiers make somebody new',
      async (foreignKeys) => {
        const [one, other] = [await open(), await open()];
        const dead = await subjectOf(one, account(1), phone(1));
        const keyId = (await other.secrets.ofSubject(dead, defaultScope(NOW))).keyId;
        expect(await subjectOf(other, phone(1))).toBe(dead);
        await place.shell(remove(dead), foreignKeys);
        const anew = await subjectOf(other, phone(1), account(2));
        expect(anew).not.toBe(dead);
        for (const vault of [one, other, await open()]) {
          expect(await subjectOf(vault, phone(1))).toBe(anew);
          expect(await vault.secrets.byId(keyId)).toBeNull();
          await expect(vault.secrets.ofSubject(dead, defaultScope(NOW))).rejects.toThrow(SubjectErased);
          expect(await vault.directory.lookUp(account(1), NOW)).toBeNull();
        }
      },
    );

    it('and leaves an identifier behind, does not stand in anybody’s way, also not in that of a new index', async () => {
      const vault = await open();
      const [dead, linked] = [await subjectOf(vault, account(1)), await subjectOf(vault, account(2), phone(2))];
      const left = (await place.shell(`select * from vault_binding where subject_id = '${dead}'`)) as unknown[][];
      await place.shell(remove(dead));
      const put = `insert into vault_binding values (${left[0]!.map((value) => (typeof value === 'number' ? value : `'${String(value)}'`)).join()})`;
      await place.shell(put, false);
      const anew = await subjectOf(vault, account(1));
      expect(anew).not.toBe(dead);
      expect(await subjectOf(await open(), account(1), phone(3))).toBe(anew);

      await place.shell(remove(anew));
      await place.shell(put, false);
      const current = await vault.rotate('index');
      await vault.directory.reindex();
      expect(await keysOf('vault_binding')).toEqual([current]);
      expect(await subjectOf(vault, phone(2))).toBe(linked);
    });
  });
}

contract('SQLite', (folder) => Promise.resolve(sqlitePlace(folder)));

describeWithPostgres('with PostgreSQL', (postgres) => {
  contract('PostgreSQL', (folder) => postgresPlace(folder, postgres));
});

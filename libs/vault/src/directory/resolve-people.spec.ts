import { randomUUID } from 'node:crypto';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createKeyring } from '../keyring.js';
import type { NamedIdentifier } from '../identifier.js';
import { VaultSql } from '../vault-sql.js';
import { Directory } from './directory.js';
import type { DirectoryPorts } from './ports.js';

const NOW = Date.parse('2026-08-01T12:00:00Z');
const account: NamedIdentifier = { scheme: 'account', realm: 'shop', value: '1', verified: true };
const phone: NamedIdentifier = { scheme: 'phone', realm: null, value: '+966500000001', verified: true };
const shop = { producer: 'shop', realm: 'shop', mayLink: true, sources: [] };
const listener = { ...shop, producer: 'listener', mayLink: false };

describe('what another process does while a batch is looked at', () => {
  let database: VaultSql;
  /** Runs once, right before the directory's look of that number. */
  let meanwhile: { readonly look: number; readonly work: () => Promise<unknown> } | null = null;
  let looks = 0;
  let changes = 0;
  let directory: Directory;
  let other: Directory;

  const portsOf = (more: Partial<DirectoryPorts> = {}): DirectoryPorts => ({
    sql: database.sql,
    change: (work) => database.change(work),
    look: () => database.look(),
    blindIndex: (_, ...name) => ({ index: name.join(' '), older: [] }),
    makeRoots: async (trx, subjectIds) => {
      const made = { generation: 1, wrapped: '', wrapped_by: '', created_at: '' };
      const rows = subjectIds.map((subject_id) => ({ ...made, holder: `subject/${subject_id}`, subject_id }));
      await trx.insertInto('vault_key').values(rows).execute();
    },
    sealFor: (_, texts) => Promise.resolve(texts.map(() => 'sealed')),
    openFor: (_, texts) => Promise.resolve(texts.map(() => null)),
    makeEntry: () => Promise.resolve({ id: randomUUID(), text: '{}' }),
    now: () => NOW,
    newId: () => randomUUID(),
    ...more,
  });
  const tell = async (identifiers: readonly NamedIdentifier[], by = shop, to = directory) =>
    (await to.resolve([{ identifiers, at: NOW, speaker: by, entryId: 'entry' }]))[0]!;
  const before = (look: number, work: () => Promise<unknown>): void => {
    [looks, changes, meanwhile] = [0, 0, { look, work }];
  };

  beforeEach(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'sijill-resolve-'));
    const keyring = createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    database = await VaultSql.open({ kind: 'sqlite', file: join(folder, 'vault.sqlite') }, keyring);
    meanwhile = null;
    other = new Directory(portsOf(), 10);
    directory = new Directory(
      portsOf({
        look: async () => {
          looks += 1;
          if (meanwhile?.look === looks) await meanwhile.work();
          return database.look();
        },
        change: (work) => {
          changes += 1;
          return database.change(work);
        },
      }),
      10,
    );
  });
  afterEach(() => database.close());

  it('a release between the reading of an owner and its second look is seen', async () => {
    const june = await tell([phone], shop, other);
    before(2, () => other.release({ identifier: phone, at: NOW - 1, speaker: shop }));
    const now = await tell([phone]);
    expect(now.subjectId).not.toBe(june.subjectId);
    expect((await tell([phone], shop, other)).subjectId).toBe(now.subjectId);
    expect((await tell([phone])).subjectId).toBe(now.subjectId);
  });

  it('a link made while a known conflict is looked at is seen: it is decided again under the lock', async () => {
    const [byAccount, byPhone] = [await tell([account], shop, other), await tell([phone], shop, other)];
    const met = await tell([account, phone], listener, other);
    expect(met.cases).toHaveLength(1);
    // Two looks about who is known, one before and one behind the reading of all there is.
    before(4, () =>
      other.link([byAccount.subjectId, byPhone.subjectId], { override: false, principal: 'p', reason: 'x' }),
    );
    expect(await tell([account, phone], listener)).toMatchObject({ subjectId: byAccount.subjectId, cases: [] });
    expect([looks, changes]).toEqual([4, 1]);
  });

  it('without anything of that kind takes one look and no lock for whoever is known', async () => {
    await tell([account, phone]);
    await tell([account]);
    before(0, () => Promise.resolve());
    await tell([phone, account]);
    expect([looks, changes]).toEqual([1, 0]);
    const met = await tell([account, { ...account, value: '2' }], shop);
    before(0, () => Promise.resolve());
    expect(await tell([account, { ...account, value: '2' }], shop)).toMatchObject({ cases: met.cases });
    expect(changes).toBe(0);
  });

  it('a number is taken for each person that something was learned of, and none for the others', async () => {
    const email = { scheme: 'email', realm: null, value: 'a@example.com', verified: true };
    const people = [[account], [phone], [account], [email, account], [email]].map((identifiers) => ({
      identifiers,
      at: NOW,
      speaker: shop,
      entryId: 'entry',
    }));
    expect((await directory.resolve(people)).map(({ sequence }) => sequence)).toEqual([1, 2, 2, 3, 3]);
    expect((await database.look()).sequence).toBe(3);
    // A link is two entries, each with a place of its own in the outbox.
    expect((await tell([account, phone])).sequence).toBe(5);
  });
});

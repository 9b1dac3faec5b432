import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Speaker } from '@sijill/contracts';
import Sqlite from 'better-sqlite3';
import type { NamedIdentifier } from '../identifier.js';
import { createKeyring, readKeyring } from '../keyring.js';
import { Vault } from '../vault.js';
import { SUBJECTS_CONFLICTING, SUBJECTS_LINKED, SUBJECTS_SEPARATED } from './drafts.js';
import { IdentityConflict, ReleaseRefused } from './identity-conflict.js';
import type { PersonNamed, ResolvedPerson } from './person-named.js';

const day = (text: string): number => Date.parse(`${text}T12:00:00Z`);
const NOW = day('2026-08-01');
const phone = (value: string, verified = true): NamedIdentifier => ({ scheme: 'phone', realm: null, value, verified });
const email = (value: string, verified = true): NamedIdentifier => ({ scheme: 'email', realm: null, value, verified });
const account = (value: string, realm = 'shop'): NamedIdentifier => ({
  scheme: 'account',
  realm,
  value,
  verified: true,
});
const nationalId = (value: string): NamedIdentifier => ({ scheme: 'national_id', realm: 'SA', value, verified: true });

const shop: Speaker = { producer: 'shop', realm: 'shop', mayLink: true, sources: [] };
const carrier: Speaker = { producer: 'carrier', realm: 'carrier', mayLink: true, sources: [] };
const listener: Speaker = { producer: 'listener', realm: 'listener', mayLink: false, sources: [] };
const officer = { principal: 'p-officer', reason: 'they said so at the counter' };

describe('who is who', () => {
  let vault: Vault;
  let folder: string;
  let entry = 0;
  const open = (): Promise<Vault> =>
    Vault.open(
      { kind: 'sqlite', file: join(folder, 'vault.sqlite') },
      readKeyring(join(folder, 'keyring.json')),
      { now: () => NOW },
      'SA',
      1_000,
    );
  const named = (identifiers: readonly NamedIdentifier[], by: Speaker = shop, at = NOW): PersonNamed => ({
    identifiers,
    at,
    speaker: by,
    entryId: `entry-${(entry += 1)}`,
  });
  const tell = async (
    identifiers: readonly NamedIdentifier[],
    by = shop,
    at = NOW,
    to = vault,
  ): Promise<ResolvedPerson> => (await to.directory.resolve([named(identifiers, by, at)]))[0]!;
  const subjectOf = async (...args: Parameters<typeof tell>): Promise<string> => (await tell(...args)).subjectId;
  const leadsTo = async (identifier: NamedIdentifier, at?: number): Promise<string | undefined> =>
    (await vault.directory.lookUp(identifier, at))?.subjectId;
  const linkedTo = async (subjectId: string): Promise<readonly string[]> =>
    (await vault.directory.person(subjectId))!.linked;
  const conflicts = async (status?: 'open' | 'linked' | 'apart') =>
    (await vault.directory.conflicts({ limit: 100, ...(status === undefined ? {} : { status }) })).items;
  const outbox = async (): Promise<
    { type: string; data: Record<string, unknown>; metadata: Record<string, unknown> }[]
  > => (await vault.outbox.pending(0, 1_000)).map((row) => JSON.parse(row.entry) as never);
  const sequence = async (): Promise<number> => (await tell([phone('+966500000099')])).sequence;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-directory-'));
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    vault = await open();
  });
  afterEach(() => vault.close());

  describe('whose entry it is', () => {
    it('is the subject of any identifier that is known, after a restart too', async () => {
      const first = await subjectOf([phone('+966500000001'), account('1')]);
      expect(first).toMatch(/^[0-9a-f]{8}-[0-9a-f-]{27}$/);
      expect(await subjectOf([account('1')])).toBe(first);
      await vault.close();
      vault = await open();
      expect(await subjectOf([phone('+966500000001')])).toBe(first);
    });

    it('is decided by the first identifying identifier that is known, before any contact listed', async () => {
      const family = await subjectOf([phone('+966500000001')]);
      const layla = await subjectOf([account('1')]);
      const omar = await subjectOf([nationalId('1010101010')]);
      expect(new Set([family, layla, omar]).size).toBe(3);
      expect(await subjectOf([phone('+966500000001'), nationalId('1010101010'), account('1')], listener)).toBe(omar);
    });

    it('is the subject of a contact, if the new account is its first', async () => {
      const known = await subjectOf([phone('+966500000001')]);
      expect(await subjectOf([account('1'), phone('+966500000001')])).toBe(known);
      expect(await leadsTo(account('1'))).toBe(known);
    });

    it('is a new subject, where the contact belongs to somebody with another account there', async () => {
      const layla = await subjectOf([account('1'), phone('+966500000001')]);
      const omar = await tell([account('2'), phone('+966500000001')]);
      expect(omar.subjectId).not.toBe(layla);
      expect(omar.cases).toHaveLength(1);
      expect(await leadsTo(phone('+966500000001'))).toBe(layla);
    });

    it('counts an account of a linked subject too', async () => {
      const layla = await subjectOf([account('1')]);
      const byPhone = await subjectOf([phone('+966500000001')]);
      await vault.directory.link([layla, byPhone], { ...officer, override: false });
      expect([layla, byPhone]).not.toContain(await subjectOf([account('2'), phone('+966500000001')]));
    });

    it('takes an account of another realm for another account', async () => {
      expect(await subjectOf([account('42', 'billing')])).not.toBe(await subjectOf([account('42', 'shop')]));
    });

    it('passes over a contact that leads to somebody else, for one that could be the same person', async () => {
      await tell([account('1'), phone('+966500000001')]);
      const mine = await subjectOf([email('layla@example.com')]);
      expect(await subjectOf([account('2'), phone('+966500000001'), email('layla@example.com')])).toBe(mine);
    });

    it('does not look at a contact that nobody has checked, beside others', async () => {
      const victim = await subjectOf([phone('+966500000001')]);
      const other = await subjectOf([account('9'), phone('+966500000001', false)]);
      expect(other).not.toBe(victim);
      expect(await subjectOf([email('m@example.com'), phone('+966500000001', false)])).not.toBe(victim);
      expect(await conflicts()).toEqual([]);
      expect((await vault.directory.lookUp(phone('+966500000001')))!.shared).toEqual([]);
      expect(await leadsTo(phone('+966500000002'))).toBeUndefined();
    });

    it('takes the first of those that nobody has checked, where there is nothing else', async () => {
      const victim = await subjectOf([phone('+966500000001')]);
      expect(await subjectOf([phone('+966500000001', false), email('m@example.com', false)])).toBe(victim);
      expect(await leadsTo(email('m@example.com'))).toBeUndefined();
    });

    it('sees, within a batch, what an earlier person brought', async () => {
      const people = await vault.directory.resolve([
        named([phone('+966500000001')]),
        named([phone('+966500000001'), account('1')]),
        named([account('1')]),
        named([phone('+966500000001')]),
      ]);
      expect(new Set(people.map(({ subjectId }) => subjectId)).size).toBe(1);
    });
  });

  describe('binding', () => {
    it('binds what is new to the subject, and says which producer said so', async () => {
      const layla = await subjectOf([account('1')]);
      await tell([account('1'), phone('+966500000001'), email('layla@example.com')], carrier);
      expect(await vault.directory.identifiersOf([layla])).toEqual(
        [
          { subjectId: layla, ...account('1'), producer: 'shop', since: null, until: null, shared: false },
          {
            subjectId: layla,
            ...email('layla@example.com'),
            producer: 'carrier',
            since: null,
            until: null,
            shared: false,
          },
          { subjectId: layla, ...phone('+966500000001'), producer: 'carrier', since: null, until: null, shared: false },
        ].map(({ verified: _, ...identifier }) => identifier),
      );
    });

    it('takes from a producer that may not link only the identifier that makes a new subject', async () => {
      const first = await subjectOf([phone('+966500000001'), account('1')], listener);
      expect(await leadsTo(account('1'))).toBe(first);
      expect(await leadsTo(phone('+966500000001'))).toBeUndefined();
      await tell([account('1'), email('m@example.com')], listener);
      expect(await leadsTo(email('m@example.com'))).toBeUndefined();
    });

    it('gives a value that contradicts what is known a subject of its own, and makes a conflict of it', async () => {
      const one = await tell([account('1'), account('2')]);
      const two = await leadsTo(account('2'));
      expect(two).toBeDefined();
      expect(two).not.toBe(one.subjectId);
      expect(await conflicts('open')).toMatchObject([
        { conflictId: one.cases[0], schemes: ['account'], subjectIds: [one.subjectId, two!].sort(), producer: 'shop' },
      ]);
    });

    it('leaves such a value alone where the producer may not link', async () => {
      const one = await tell([account('1')]);
      expect(await tell([account('1'), account('2')], listener)).toMatchObject({ subjectId: one.subjectId, cases: [] });
      expect(await leadsTo(account('2'))).toBeUndefined();
    });

    it('keeps nothing in clear on its disk', async () => {
      await tell([phone('+966500000042'), email('layla@example.com'), account('acc-layla')]);
      await vault.close();
      const bytes = readFileSync(join(folder, 'vault.sqlite')).toString('latin1');
      expect(bytes).toContain('vault_binding');
      expect(bytes).not.toContain('966500000042');
      expect(bytes).not.toContain('layla');
      vault = await open();
    });
  });

  describe('linking', () => {
    it('links two by an event that names an account, in the chains of both, and names neither to the other', async () => {
      const byAccount = await subjectOf([account('9')]);
      const byPhone = await subjectOf([phone('+966500000001')]);
      const both = await tell([account('9'), phone('+966500000001')]);
      expect(both).toMatchObject({ subjectId: byAccount, cases: [] });
      expect(await linkedTo(byAccount)).toEqual([byPhone]);
      expect(await linkedTo(byPhone)).toEqual([byAccount]);
      expect(await leadsTo(phone('+966500000001'))).toBe(byPhone);
      const entries = await outbox();
      expect(entries.map(({ type, data }) => [type, data['subjectId']])).toEqual([
        ['sijill.subjects.linked.v1', byAccount],
        ['sijill.subjects.linked.v1', byPhone],
      ]);
      expect(entries[0]!.data['edges']).toEqual(entries[1]!.data['edges']);
      expect(entries[0]!.data).toMatchObject({ because: 'event', cause: `entry-${entry}` });
      expect(JSON.stringify(entries[0]!)).not.toContain(byPhone);
    });

    it('costs nothing from then on, after a restart neither', async () => {
      await tell([account('9')]);
      await tell([phone('+966500000001')]);
      await tell([account('9'), phone('+966500000001')]);
      const before = await sequence();
      await tell([account('9'), phone('+966500000001')]);
      await vault.close();
      vault = await open();
      await tell([phone('+966500000001'), account('9')]);
      expect(await sequence()).toBe(before);
      expect(await outbox()).toHaveLength(2);
    });

    it('makes a conflict of contacts alone: a family shares them', async () => {
      const one = await subjectOf([phone('+966500000001')]);
      const other = await subjectOf([email('layla@example.com')]);
      const met = await tell([phone('+966500000001'), email('layla@example.com')]);
      expect(met.subjectId).toBe(one);
      expect(await conflicts()).toEqual([
        {
          conflictId: met.cases[0],
          status: 'open',
          schemes: ['email', 'phone'],
          subjectIds: [one, other].sort(),
          producer: 'shop',
          entryId: `entry-${entry}`,
          recordedAt: '2026-08-01T12:00:00.000Z',
        },
      ]);
      expect(await vault.directory.person(one)).toEqual({ linked: [], openConflicts: 1 });
      expect(await vault.directory.person(other)).toEqual({ linked: [], openConflicts: 1 });
    });

    it('makes a conflict of what a producer knows as one that may not link', async () => {
      const layla = await subjectOf([account('9')]);
      await tell([phone('+966500000001')]);
      const met = await tell([account('9'), phone('+966500000001')], listener);
      expect(met.cases).toHaveLength(1);
      expect(await linkedTo(layla)).toEqual([]);
    });

    it('tells of a pair once, and names its case whenever an event meets it again, without a write', async () => {
      await tell([account('1'), phone('+966500000001')]);
      const first = await tell([account('2'), phone('+966500000001')]);
      const entries = await outbox();
      expect(entries.map(({ type, data }) => [type, data['case'], data['cause']])).toEqual(
        Array.from({ length: 2 }, () => ['sijill.subjects.conflicting.v1', first.cases[0], `entry-${entry}`]),
      );
      const before = await sequence();
      const again = await tell([account('2'), phone('+966500000001')]);
      expect(again).toEqual({ ...first, sequence: before });
      expect(await outbox()).toHaveLength(2);
    });

    it('closes a case by a later event that links the two', async () => {
      await tell([account('9')]);
      await tell([phone('+966500000001')]);
      const met = await tell([account('9'), phone('+966500000001')], listener);
      expect(await tell([account('9'), phone('+966500000001')])).toMatchObject({ cases: [] });
      expect(await conflicts('open')).toEqual([]);
      expect(await conflicts('linked')).toMatchObject([{ conflictId: met.cases[0] }]);
      expect((await outbox()).slice(2).map(({ data }) => data['closes'])).toEqual([met.cases, met.cases]);
    });

    it('ties the first of several to each other', async () => {
      const first = await subjectOf([account('9')]);
      const others = [await subjectOf([phone('+966500000001')]), await subjectOf([email('layla@example.com')])];
      await tell([phone('+966500000001'), email('layla@example.com'), account('9')]);
      const edges = new Map((await outbox()).map(({ data }) => [data['subjectId'], data['edges'] as string[]]));
      expect(edges.get(first)).toEqual([edges.get(others[0]!)![0], edges.get(others[1]!)![0]]);
      expect(await linkedTo(others[0]!)).toEqual([first, others[1]!].sort());
    });

    it('does not link two that others of each side contradict', async () => {
      const [layla, omar] = [await subjectOf([account('1')]), await subjectOf([account('2')])];
      const [byPhone, byEmail] = [await subjectOf([phone('+966500000001')]), await subjectOf([email('o@example.com')])];
      await vault.directory.link([layla, byPhone], { ...officer, override: false });
      await vault.directory.link([omar, byEmail], { ...officer, override: false });
      const met = await tell([nationalId('1010101010'), phone('+966500000001'), email('o@example.com')]);
      expect(met).toMatchObject({ subjectId: byPhone });
      expect(await conflicts('open')).toMatchObject([{ subjectIds: [byPhone, byEmail].sort() }]);
    });
  });

  describe('an officer', () => {
    const four = async (): Promise<[string, string, string, string]> => [
      await subjectOf([account('1')]),
      await subjectOf([phone('+966500000001')]),
      await subjectOf([email('a@example.com')]),
      await subjectOf([nationalId('1010101010')]),
    ];
    const code = (work: Promise<unknown>): Promise<[string, readonly string[]]> =>
      work.then(
        () => ['none', []],
        (error: IdentityConflict) => [error.code, error.through],
      );
    const link = (subjectIds: string[], override = false) => vault.directory.link(subjectIds, { ...officer, override });
    const separate = (one: string, other: string) => vault.directory.separate([one, other], officer);

    it('links several, the first to each other, with one entry for each and a sealed reason', async () => {
      const [a, b, c] = await four();
      const { entryIds, subjectIds } = await link([a, b, c]);
      expect(subjectIds).toEqual([a, b, c]);
      expect(new Set(entryIds).size).toBe(3);
      expect(await linkedTo(c)).toEqual([a, b].sort());
      const entries = await outbox();
      expect(entries.map(({ data }) => (data['edges'] as string[]).length)).toEqual([2, 1, 1]);
      expect(entries[0]).toMatchObject({
        data: { because: 'officer', cause: null },
        metadata: { principal: 'p-officer' },
      });
      expect(JSON.stringify(entries)).not.toContain('counter');
    });

    it('cannot link what contradicts itself, what is linked, or whom nobody knows; a ring may be closed', async () => {
      const [a, b, c] = await four();
      const other = await subjectOf([account('2')]);
      expect(await code(link([a, other]))).toEqual(['contradicting_identifiers', []]);
      await link([a, b]);
      await link([b, c]);
      expect(await code(link([a, b]))).toEqual(['already', []]);
      expect(await code(link([a, c]))).toEqual(['none', []]);
      expect(await code(link([c, other], true))).toEqual(['contradicting_identifiers', []]);
      expect(await code(link([a, '00000000-0000-4000-8000-000000000000']))).toEqual(['unknown_subject', []]);
    });

    it('keeps two apart, who are linked by no event afterwards, only with override', async () => {
      const [a, b] = await four();
      await separate(a, b);
      const { cases } = await tell([account('1'), phone('+966500000001')]);
      expect(await conflicts('apart')).toMatchObject([{ conflictId: cases[0], subjectIds: [a, b].sort() }]);
      expect(await linkedTo(a)).toEqual([]);
      expect(await vault.directory.person(a)).toEqual({ linked: [], openConflicts: 0 });
      expect(await outbox()).toHaveLength(2);
      expect(await code(separate(b, a))).toEqual(['already', []]);
      expect(await code(link([a, b]))).toEqual(['kept_apart', []]);
      expect(await code(link([a, b], true))).toEqual(['none', []]);
      expect(await conflicts('linked')).toMatchObject([{ conflictId: cases[0] }]);
      expect(await code(separate(a, b))).toEqual(['none', []]);
      expect(await conflicts('apart')).toMatchObject([{ conflictId: cases[0] }]);
    });

    it('keeps whole persons apart: what is linked to one side cannot be linked to the other', async () => {
      const [a, b, c, d] = await four();
      await separate(a, b);
      await link([b, c]);
      expect(await code(link([a, c]))).toEqual(['kept_apart', []]);
      await link([a, d]);
      expect(await code(link([d, c]))).toEqual(['kept_apart', []]);
      await tell([nationalId('1010101010'), email('a@example.com')]);
      expect(await linkedTo(d)).toEqual([a]);
      expect(await conflicts('open')).toMatchObject([{ subjectIds: [c, d].sort() }]);
    });

    it('takes a link away, which every process sees at once', async () => {
      const [a, b] = await four();
      const other = await open();
      await tell([account('1'), phone('+966500000001')]);
      expect(await tell([account('1'), phone('+966500000001')], shop, NOW, other)).toMatchObject({ cases: [] });
      const { entryIds } = await separate(a, b);
      expect(entryIds).toHaveLength(2);
      expect(await linkedTo(a)).toEqual([]);
      expect((await tell([account('1'), phone('+966500000001')], shop, NOW, other)).cases).toHaveLength(1);
      const [linked, separated] = [(await outbox())[0]!, (await outbox())[2]!];
      expect(separated.data).toMatchObject({ edges: linked.data['edges'], closes: [expect.any(String)] });
      await other.close();
    });

    it('is told the shortest way, where two hang together through others', async () => {
      const [a, b, c, d] = await four();
      await link([a, b]);
      await link([b, c]);
      await link([c, d]);
      expect(await code(separate(a, d))).toEqual(['linked_through', [b, c]]);
      await link([a, c]);
      expect(await code(separate(a, d))).toEqual(['linked_through', [c]]);
      expect(await code(separate(a, c))).toEqual(['linked_through', [b]]);
      await separate(c, d);
      expect(await linkedTo(d)).toEqual([]);
      expect(await linkedTo(a)).toEqual([b, c].sort());
    });

    it('lifts with override whatever kept the two sides apart, for good', async () => {
      const [a, b, c] = await four();
      await separate(a, b);
      await link([b, c]);
      expect(await code(link([a, c], true))).toEqual(['none', []]);
      await separate(a, c);
      expect(await conflicts('apart')).toMatchObject([{ subjectIds: [a, c].sort() }]);
      expect(await conflicts('open')).toMatchObject([{ subjectIds: [a, b].sort() }]);
      expect((await vault.directory.person(b))!.openConflicts).toBe(1);
    });

    it('opens the cases again that a link through others had closed', async () => {
      const [a, b, c] = await four();
      const met = await tell([phone('+966500000001'), email('a@example.com')]);
      await link([a, b]);
      await link([a, c]);
      expect(await conflicts('open')).toEqual([]);
      await separate(a, c);
      expect(await conflicts('open')).toMatchObject([{ conflictId: met.cases[0], subjectIds: [b, c].sort() }]);
      const last = (await outbox()).at(-1)!;
      expect(last).toMatchObject({ type: 'sijill.subjects.conflicting.v1', data: { case: met.cases[0], cause: null } });
    });
  });

  describe('release', () => {
    const release = (identifier: NamedIdentifier, at: number, speaker = shop) =>
      vault.directory.release({ identifier, at, speaker });

    it('ends an interval: the number of June is another person’s than that of August, however late events come', async () => {
      const june = await subjectOf([phone('+966500000001')], shop, day('2026-06-10'));
      expect(await release(phone('+966500000001'), day('2026-07-01'))).toMatchObject({ subjectId: june, ended: true });
      expect(await leadsTo(phone('+966500000001'))).toBeUndefined();
      const august = await subjectOf([phone('+966500000001')], shop, day('2026-08-01'));
      expect(august).not.toBe(june);
      expect(await subjectOf([phone('+966500000001')], shop, day('2026-06-30'))).toBe(june);
      expect(await subjectOf([phone('+966500000001')], shop, day('2025-01-01'))).toBe(june);
      // The moment of the release itself is the later owner's.
      expect(await subjectOf([phone('+966500000001')], shop, day('2026-07-01'))).toBe(august);
      expect(await vault.directory.lookUp(phone('+966500000001'), day('2026-06-10'))).toEqual({
        subjectId: june,
        linked: [],
        openConflicts: 0,
        until: '2026-07-01T12:00:00.000Z',
        shared: [august],
      });
      expect(await vault.directory.identifiersOf([august])).toMatchObject([
        { since: '2026-07-01T12:00:00.000Z', until: null, shared: true },
      ]);
    });

    it('is the old owner’s entry, however often it comes', async () => {
      const june = await subjectOf([phone('+966500000001')], shop, day('2026-06-10'));
      await release(phone('+966500000001'), day('2026-07-01'));
      await tell([phone('+966500000001')]);
      const before = await sequence();
      expect(await release(phone('+966500000001'), day('2026-07-01'))).toMatchObject({ subjectId: june, ended: false });
      expect(await sequence()).toBe(before);
    });

    it('for the past leaves the later owner theirs, and what lies between to nobody', async () => {
      const june = await subjectOf([phone('+966500000001')]);
      await release(phone('+966500000001'), day('2026-07-01'));
      const august = await subjectOf([phone('+966500000001')]);
      await release(phone('+966500000001'), day('2026-05-01'));
      expect(await leadsTo(phone('+966500000001'), day('2026-04-01'))).toBe(june);
      expect(await leadsTo(phone('+966500000001'), day('2026-06-01'))).toBeUndefined();
      expect(await leadsTo(phone('+966500000001'))).toBe(august);
      const may = await subjectOf([phone('+966500000001')], shop, day('2026-06-01'));
      expect(new Set([june, may, august]).size).toBe(3);
    });

    it('of what nobody had makes a subject who had it until then', async () => {
      const closed = await release(account('7'), day('2026-07-01'));
      expect(closed).toMatchObject({ ended: false, cases: [] });
      expect(await leadsTo(account('7'), day('2026-06-01'))).toBe(closed.subjectId);
      expect(await leadsTo(account('7'))).toBeUndefined();
    });

    it('lets accounts follow one another at one phone', async () => {
      const layla = await subjectOf([account('1'), phone('+966500000001')]);
      await release(account('1'), day('2026-07-01'));
      expect(await tell([account('2'), phone('+966500000001')])).toMatchObject({ subjectId: layla, cases: [] });
      expect((await tell([account('3'), phone('+966500000001')], shop, day('2026-06-01'))).cases).toHaveLength(1);
    });

    it('is refused to whoever may not link, and to whoever neither bound it nor owns its realm', async () => {
      await tell([account('1'), phone('+966500000001')]);
      await tell([nationalId('1010101010')], shop);
      const country = { ...carrier, producer: 'country', realm: 'SA' };
      for (const [identifier, by] of [
        [phone('+966500000001'), carrier],
        [account('1'), carrier],
        [account('1'), { ...shop, mayLink: false }],
        [nationalId('1010101010'), country],
        [phone('+966500000002'), shop],
      ] as const)
        await expect(release(identifier, NOW, by)).rejects.toThrow(ReleaseRefused);
      await expect(release(account('1'), NOW, { ...shop, producer: 'shop-two' })).resolves.toMatchObject({
        ended: true,
      });
      await expect(release(phone('+966500000001'), NOW)).resolves.toMatchObject({ ended: true });
    });

    it('by an officer needs the person who has it then', async () => {
      const layla = await subjectOf([phone('+966500000001'), account('1')]);
      const omar = await subjectOf([account('2')]);
      const releaseFor = (subjectId: string, at = NOW) =>
        vault.directory.releaseFor(subjectId, phone('+966500000001'), at).then((done) => done && done.subjectId);
      expect(await releaseFor(omar)).toBeNull();
      expect(await releaseFor(layla, day('2026-07-15'))).toBe(layla);
      expect(await releaseFor(layla)).toBeNull();
      const next = await subjectOf([phone('+966500000001')]);
      await expect(releaseFor(next, day('2026-07-15'))).rejects.toThrow(IdentityConflict);
    });

    it('empties what another process remembers', async () => {
      const other = await open();
      const before = await subjectOf([phone('+966500000001')], shop, NOW, other);
      await release(phone('+966500000001'), day('2026-07-01'));
      expect(await subjectOf([phone('+966500000001')], shop, NOW, other)).not.toBe(before);
      await other.close();
    });
  });

  describe('somebody forgotten', () => {
    /** Aya, one person with Bushra, has a case with Omar; and who is among them is forgotten. */
    const forget = async (subjectId: string): Promise<void> => {
      const shell = new Sqlite(join(folder, 'vault.sqlite'));
      shell.prepare('delete from vault_key where subject_id = ?').run(subjectId);
      shell.close();
    };
    const people = async (): Promise<{ aya: string; bushra: string; omar: string }> => {
      const bushra = await subjectOf([phone('+966500000001')]);
      const omar = await subjectOf([phone('+966500000002')]);
      await tell([phone('+966500000001'), phone('+966500000002')]);
      const aya = await subjectOf([phone('+966500000003'), account('1')]);
      await tell([account('1'), phone('+966500000001')]);
      expect([await linkedTo(aya), (await conflicts('open')).length]).toEqual([[bushra], 1]);
      return { aya, bushra, omar };
    };
    const toldSince = async (number: number): Promise<unknown[]> =>
      (await outbox()).slice(number).map(({ type, data }) => [type, data['subjectId']]);

    it('keeps no event from linking those who live, and is in no entry of it', async () => {
      const { aya, bushra, omar } = await people();
      const told = (await outbox()).length;
      await forget(bushra);
      expect(await subjectOf([account('1'), phone('+966500000002')])).toBe(aya);
      expect(await linkedTo(aya)).toEqual([bushra, omar].sort());
      expect(await conflicts('open')).toEqual([]);
      expect(await toldSince(told)).toEqual([aya, omar].map((subjectId) => [SUBJECTS_LINKED, subjectId]));
    });

    it('keeps no officer from linking or separating them either', async () => {
      const { aya, bushra, omar } = await people();
      await forget(bushra);
      const linked = await vault.directory.link([aya, omar], { ...officer, override: false });
      expect(linked.entryIds).toHaveLength(2);
      const told = (await outbox()).length;
      await vault.directory.separate([aya, omar], officer);
      // Omar’s case with Bushra is open again, which his entry says.
      expect(await toldSince(told)).toEqual([
        [SUBJECTS_SEPARATED, [aya, omar].sort()[0]],
        [SUBJECTS_SEPARATED, [aya, omar].sort()[1]],
        [SUBJECTS_CONFLICTING, omar],
      ]);
    });
  });

  it('makes one subject where two processes meet the same new people at once', async () => {
    const other = await open();
    const people = Array.from({ length: 60 }, (_, i) => named([phone(`+9665000001${i}`), account(`p-${i}`)]));
    const [left, right] = await Promise.all([
      vault.directory.resolve(people),
      other.directory.resolve([...people].reverse()),
    ]);
    expect(right.reverse().map(({ subjectId }) => subjectId)).toEqual(left.map(({ subjectId }) => subjectId));
    await other.close();
  });

  it('lists conflicts page by page, the newest first', async () => {
    await tell([account('0'), phone('+966500000001')]);
    for (let i = 1; i <= 5; i++) await tell([account(`${i}`), phone('+966500000001')]);
    const first = await vault.directory.conflicts({ limit: 3 });
    const second = await vault.directory.conflicts({ limit: 3, before: first.next! });
    expect(second.next).toBeNull();
    const ids = [...first.items, ...second.items].map(({ entryId }) => Number(entryId!.slice('entry-'.length)));
    expect(ids).toEqual([entry, entry - 1, entry - 2, entry - 3, entry - 4]);
  });
});

import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  Access,
  KEY_CREATED,
  KEY_REVOKED,
  KeyRefused,
  PRODUCER_CHANGED,
  PRODUCER_REGISTERED,
  PRODUCER_RETIRED,
  ProducerRefused,
  type Caller,
  type Seals,
} from '@sijill/access';
import type { NewEntry } from '@sijill/event-store';
import { PartBehind, type Mode, type SqlTarget } from '@sijill/platform';
import { describeWithPostgres } from '../support/postgres/describe-with-postgres.js';

const BY = { name: 'Noura', principal: 'p00000000000a' };
const NOON = Date.parse('2026-07-01T12:00:00.000Z');

/** A time that goes on only when it is told to. */
const hands = (at = NOON): { now: () => number; forward: (milliseconds: number) => void } => ({
  now: () => at,
  forward: (milliseconds) => void (at += milliseconds),
});

function describeAccess(freshTarget: () => Promise<SqlTarget>): void {
  const opened: Access[] = [];
  let clock = hands();
  beforeEach(() => (clock = hands()));
  afterEach(async () => {
    for (const access of opened.splice(0)) await access.close();
  });

  async function open(mode: Mode = 'production', target?: SqlTarget, seals?: Seals): Promise<Access> {
    const at = target ?? (await freshTarget());
    const access = await Access.open(at, { mode, defaultRegion: 'SA' }, clock, seals);
    opened.push(access);
    return access;
  }
  const told = async (access: Access): Promise<NewEntry[]> =>
    (await access.outbox.pending(0, 100)).map(({ entry }) => entry);
  const typesOf = async (access: Access): Promise<string[]> => (await told(access)).map(({ type }) => type);
  const callerOf = async (access: Access, key: string): Promise<Caller> => {
    const found = await access.keys.authenticate(key);
    if ('refused' in found) throw new Error(found.refused);
    return found;
  };

  describe('the registry of producers', () => {
    it('gives a new one any source, the realm default and no right to link, and tells of it', async () => {
      const access = await open();
      const made = await access.producers.add('sms-gateway', {}, BY);
      expect(made).toEqual({
        name: 'sms-gateway',
        sources: [],
        realm: 'default',
        mayLink: false,
        createdAt: '2026-07-01T12:00:00.000Z',
        retiredAt: null,
      });
      expect(await access.producers.list()).toEqual([made]);
      expect(await access.producers.speakerOf('sms-gateway')).toEqual({
        producer: 'sms-gateway',
        sources: [],
        realm: 'default',
        mayLink: false,
      });
      const [entry] = await told(access);
      expect(entry).toMatchObject({
        type: PRODUCER_REGISTERED,
        data: { producer: 'sms-gateway', sources: [], realm: 'default', mayLink: false },
        metadata: { producer: null, principal: BY.principal, recordedAt: '2026-07-01T12:00:00.000Z' },
      });
      expect(JSON.stringify(entry)).not.toContain(BY.name);
    });

    it('changes what is named and nothing else, and tells of it only where something changed', async () => {
      const access = await open();
      await access.producers.add('billing', { sources: ['/b', '/a', '/b'], realm: 'billing', mayLink: true }, BY);
      expect(await access.producers.change('billing', { mayLink: false }, BY)).toMatchObject({
        sources: ['/a', '/b'],
        realm: 'billing',
        mayLink: false,
      });
      await access.producers.change('billing', { mayLink: false, sources: ['/b', '/a'] }, BY);
      expect(await access.producers.change('billing', { sources: [] }, BY)).toMatchObject({ sources: [] });
      expect(await typesOf(access)).toEqual([PRODUCER_REGISTERED, PRODUCER_CHANGED, PRODUCER_CHANGED]);
    });

    it('retires for good: nobody speaks under the name any more, and nobody takes it again', async () => {
      const access = await open();
      await access.producers.add('old', {}, BY);
      clock.forward(60_000);
      expect(await access.producers.retire('old', BY)).toMatchObject({ retiredAt: '2026-07-01T12:01:00.000Z' });
      expect(await access.producers.speakerOf('old')).toBeNull();
      const refused = (code: string): object => expect.objectContaining({ name: 'ProducerRefused', code }) as object;
      await expect(access.producers.add('old', {}, BY)).rejects.toEqual(refused('taken'));
      await expect(access.producers.change('old', { mayLink: true }, BY)).rejects.toEqual(refused('retired'));
      await expect(access.producers.retire('old', BY)).rejects.toEqual(refused('retired'));
      await expect(access.producers.retire('never', BY)).rejects.toEqual(refused('unknown'));
      await expect(access.keys.create({ name: 'old', roles: ['producer'] }, BY)).rejects.toEqual(refused('retired'));
      expect(await typesOf(access)).toEqual([PRODUCER_REGISTERED, PRODUCER_RETIRED]);
    });

    it.each([
      ['Sms', {}, 'bad_name'],
      ['-sms', {}, 'bad_name'],
      ['a/b', {}, 'bad_name'],
      ['x'.repeat(65), {}, 'bad_name'],
      ['sms', { realm: 'Billing' }, 'bad_realm'],
      ['sms', { realm: 'x'.repeat(41) }, 'bad_realm'],
      ['sms', { sources: [''] }, 'bad_source'],
      ['sms', { sources: ['/a b'] }, 'bad_source'],
      ['sms', { sources: ['/sms/966500000042'] }, 'bad_source'],
      ['sms', { sources: ['mailto:layla@example.com'] }, 'bad_source'],
    ])('refuses %p with %p', async (name, terms, code) => {
      const access = await open();
      await expect(access.producers.add(name, terms, BY)).rejects.toMatchObject({ code });
      expect(await told(access)).toEqual([]);
    });

    it('takes a name once, of two at the same time', async () => {
      const target = await freshTarget();
      const all = await Promise.all([open('production', target), open('production', target)]);
      const outcomes = await Promise.allSettled(all.map(({ producers }) => producers.add('one', {}, BY)));
      expect(outcomes.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
      expect(outcomes.find(({ status }) => status === 'rejected')).toMatchObject({
        reason: expect.any(ProducerRefused),
      });
      expect(await typesOf(all[0]!)).toEqual([PRODUCER_REGISTERED]);
    });
  });

  describe('an API key', () => {
    it('tells who calls, for which producer, and what it may say', async () => {
      const access = await open();
      await access.producers.add('sms-gateway', { sources: ['/sms/'], realm: 'sms', mayLink: true }, BY);
      const made = await access.keys.create({ name: 'SMS Gateway', roles: ['officer', 'producer'] }, BY);
      expect(made.key).toMatch(/^sijill_k[0-9a-f]{12}_/);
      expect(await callerOf(access, made.key)).toEqual({
        keyId: made.id,
        name: 'SMS Gateway',
        principal: expect.stringMatching(/^p[0-9a-f]{12}$/),
        roles: ['producer', 'officer'],
        producer: { producer: 'sms-gateway', sources: ['/sms/'], realm: 'sms', mayLink: true },
        recipient: null,
      });
      expect(JSON.stringify(await access.keys.list())).not.toContain(made.key.slice(-43));
    });

    it('is of one principal with every other of the same name', async () => {
      const access = await open();
      const make = async (name: string): Promise<string> =>
        (await access.keys.create({ name, roles: ['officer'] }, BY)).principal;
      const [one, same, other] = [await make('desk'), await make('desk'), await make('Desk')];
      expect(same).toBe(one);
      expect(other).not.toBe(one);
    });

    it('speaks in production for a producer that is registered, and in development makes it known', async () => {
      const production = await open('production');
      await expect(production.keys.create({ name: 'sms', roles: ['producer'] }, BY)).rejects.toMatchObject({
        code: 'unknown',
        message: expect.stringContaining('sijill producers add sms') as string,
      });
      expect(await production.keys.list()).toEqual([]);
      const development = await open('development');
      const { key } = await development.keys.create({ name: 'a person', roles: ['producer'], producer: 'sms' }, BY);
      expect((await callerOf(development, key)).producer).toEqual({
        producer: 'sms',
        sources: [],
        realm: 'default',
        mayLink: true,
      });
      await development.keys.create({ name: 'sms', roles: ['producer'] }, BY);
      expect(await typesOf(development)).toEqual([PRODUCER_REGISTERED, KEY_CREATED, KEY_CREATED]);
    });

    it('is not accepted once it is revoked, and the entry of that is one', async () => {
      const access = await open();
      const { id, key } = await access.keys.create({ name: 'desk', roles: ['officer'] }, BY);
      expect(await access.keys.revoke(id, BY)).toBe(true);
      clock.forward(1000);
      expect(await access.keys.revoke(id, BY)).toBe(true);
      expect(await access.keys.revoke('k000000000000', BY)).toBe(false);
      expect(await access.keys.authenticate(key)).toEqual({
        refused: 'this key was revoked at 2026-07-01T12:00:00.000Z',
      });
      expect(await typesOf(access)).toEqual([KEY_CREATED, KEY_REVOKED]);
    });

    it('is accepted until the moment that it expires', async () => {
      const access = await open();
      const expiresAt = '2026-07-01T13:00:00.000Z';
      const { key } = await access.keys.create({ name: 'desk', roles: ['officer'], expiresAt }, BY);
      clock.forward(3_599_999);
      expect(await callerOf(access, key)).toMatchObject({ name: 'desk' });
      clock.forward(1);
      expect(await access.keys.authenticate(key)).toMatchObject({ refused: expect.stringContaining(expiresAt) });
      await expect(access.keys.create({ name: 'x', roles: ['admin'], expiresAt }, BY)).rejects.toThrow(KeyRefused);
    });

    it('is not accepted once its producer is retired, whatever else it may do', async () => {
      const access = await open('development');
      const { key } = await access.keys.create({ name: 'sms', roles: ['producer', 'officer'] }, BY);
      await access.producers.retire('sms', BY);
      expect(await access.keys.authenticate(key)).toMatchObject({ refused: expect.stringContaining('producer sms') });
    });

    it('tells nothing to whoever does not hold it', async () => {
      const access = await open();
      const { id, key } = await access.keys.create({ name: 'desk', roles: ['officer'] }, BY);
      await access.keys.revoke(id, BY);
      const other = key.replace(/.$/, (last) => (last === 'A' ? 'B' : 'A'));
      for (const wrong of [other, key.replace(id, 'k000000000000'), 'sijill_x', ''])
        expect(await access.keys.authenticate(wrong)).toEqual({ refused: 'the key is not known here' });
    });

    it.each([
      [{ name: '', roles: ['officer'] }, /name of 1 to 64/],
      [{ name: 'x', roles: [] }, /one or more of the roles/],
      [{ name: 'x', roles: ['king'] }, /one or more of the roles/],
      [{ name: 'x', roles: ['officer'], producer: 'sms' }, /role producer/],
      [{ name: 'ليلى', roles: ['producer'] }, /say which producer/],
      [{ name: 'x', roles: ['officer'], recipient: 'stc' }, /role recipient/],
      [{ name: 'x', roles: ['recipient'] }, /needs the id of the recipient/],
      [{ name: 'x', roles: ['recipient'], recipient: '+966500000042' }, /looks like a phone/],
      [{ name: 'x', roles: ['recipient'], recipient: 'a b' }, /visible ASCII/],
    ])('is refused for %p', async (wanted, message) => {
      const access = await open('development');
      const refused = access.keys.create(wanted, BY);
      await expect(refused).rejects.toThrow(KeyRefused);
      await expect(refused).rejects.toThrow(message);
      expect(await told(access)).toEqual([]);
    });

    it('answers for a recipient', async () => {
      const access = await open();
      const { key } = await access.keys.create({ name: 'stc desk', roles: ['recipient'], recipient: 'stc' }, BY);
      expect(await callerOf(access, key)).toMatchObject({ roles: ['recipient'], recipient: 'stc', producer: null });
    });

    it('has no name in clear in its entry; with seals it has one there, sealed', async () => {
      const bare = await open();
      const made = await bare.keys.create({ name: 'Layla Harbi', roles: ['officer'] }, BY);
      const [entry] = await told(bare);
      expect(entry).toMatchObject({
        type: KEY_CREATED,
        data: {
          keyId: made.id,
          principalOf: made.principal,
          roles: ['officer'],
          producer: null,
          recipient: null,
          expiresAt: null,
        },
        metadata: { principal: BY.principal },
      });
      expect(JSON.stringify(entry)).not.toMatch(/Layla|Noura/);

      const asked: unknown[] = [];
      const seals: Seals = {
        for: (entryId, parts) => {
          asked.push([entryId, parts]);
          return Promise.resolve({
            open: { has: ['actor', 'name'], sealed: { staff: 'hash' } },
            kept: { sealed: { staff: 'jwe' }, keys: { staff: 'staff/2026' } },
          });
        },
      };
      const sealing = await open('production', undefined, seals);
      await sealing.keys.create({ name: 'Layla Harbi', roles: ['officer'] }, { ...BY, reason: 'new at the desk' });
      const [sealedEntry] = await told(sealing);
      expect(asked).toEqual([
        [sealedEntry!.id, { staff: { actor: 'Noura', name: 'Layla Harbi' }, ledger: { reason: 'new at the desk' } }],
      ]);
      expect(sealedEntry).toMatchObject({
        data: { has: ['actor', 'name'], sealed: { staff: 'hash' } },
        metadata: { keys: { staff: 'staff/2026' } },
        sealed: { staff: 'jwe' },
      });
      expect(JSON.stringify(sealedEntry)).not.toMatch(/Layla|Noura|new at the desk/);
    });
  });

  describe('the outbox', () => {
    it('keeps the order of changes by many at once, and forgets what is done', async () => {
      const target = await freshTarget();
      const several = await Promise.all([1, 2, 3].map(() => open('development', target)));
      await Promise.all(
        several.flatMap((access, i) =>
          [1, 2, 3, 4].map((k) => access.keys.create({ name: `service-${i}-${k}`, roles: ['producer'] }, BY)),
        ),
      );
      const { outbox } = several[0]!;
      const all = await outbox.pending(0, 100);
      const numbers = all.map(({ number }) => number);
      expect(all).toHaveLength(24);
      expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
      expect(new Set(numbers).size).toBe(24);
      // A producer is told of before the key that made it known.
      expect(all.map(({ entry }) => entry.type)).toEqual(
        Array.from({ length: 12 }, () => [PRODUCER_REGISTERED, KEY_CREATED]).flat(),
      );
      expect(await outbox.pending(numbers[4]!, 3)).toEqual(all.slice(5, 8));
      await outbox.done(numbers[21]!);
      expect(await outbox.pending(numbers[21]!, 100)).toEqual(all.slice(22));
      // A store that loses its end is told again.
      expect(await outbox.pending(0, 100)).toEqual(all);
      await expect(outbox.done(numbers[23]! + 1)).rejects.toThrow(PartBehind);
      await several[0]!.goOnBehind(numbers[23]! + 1);
      await outbox.done(numbers[23]! + 1);
    });

    it('gives later numbers than ever before, also in a database that was lost and made anew', async () => {
      const before = await open();
      await before.producers.add('one', {}, BY);
      const [{ number: seen } = { number: 0 }] = await before.outbox.pending(0, 1);
      await before.outbox.done(seen);
      await before.producers.add('two', {}, BY);
      expect(await before.outbox.pending(seen, 10)).toHaveLength(1);
      clock.forward(1000);
      const anew = await open();
      await anew.producers.add('three', {}, BY);
      expect(await anew.outbox.pending(seen + 1, 10)).toHaveLength(1);
    });

    it('has nothing of a change that did not come to pass', async () => {
      const access = await open('development');
      await access.keys.create({ name: 'sms', roles: ['producer'] }, BY);
      await access.producers.retire('sms', BY);
      const before = await told(access);
      await expect(access.keys.create({ name: 'sms', roles: ['producer'] }, BY)).rejects.toThrow(/retired/);
      expect(await told(access)).toEqual(before);
    });
  });
}

describe('keys and producers in SQLite', () => {
  describeAccess(() =>
    Promise.resolve({ kind: 'sqlite', file: join(mkdtempSync(join(tmpdir(), 'sijill-access-')), 'access.sqlite') }),
  );
});

describeWithPostgres('keys and producers in PostgreSQL', (postgres) => {
  describeAccess(async () => ({ kind: 'postgresql', url: await postgres.freshDatabase('access') }));
});

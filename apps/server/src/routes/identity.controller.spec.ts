import 'reflect-metadata';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { CommandBus } from '@nestjs/cqrs';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Access, ApiKeys, Limits, type Consultation } from '@sijill/access';
import { Separating, type Confirmation, type Wanted } from '@sijill/cases';
import { Outboxes } from '@sijill/ledger';
import { createLogger } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { createKeyring, readKeyring, Vault } from '@sijill/vault';
import { AccessGuard } from '../access/access.guard.js';
import { ProblemFilter } from '../http/problem.filter.js';
import { validation } from '../http/validation.js';
import type { RecordConsultation } from '../use-cases/record-consultation.js';
import { IdentityController } from './identity.controller.js';

const BY = { name: 'command line', principal: 'command-line' };
const NOW = Date.parse('2026-08-01T12:00:00.000Z');
const NOBODY = '00000000-0000-4000-8000-000000000000';
const shop = { producer: 'shop', realm: 'default', mayLink: true, sources: [] };

describe('the routes of identity', () => {
  let folder: string;
  let access: Access;
  let vault: Vault;
  let readModels: ReadModels;
  let app: NestFastifyApplication;
  let officer = '';
  let principal = '';
  let admin = '';
  let looks: Consultation[] = [];
  let drained = 0;
  let covered = false;
  let asked: Wanted[] = [];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'sijill-identity-'));
    const clock = { now: () => NOW };
    const file = (name: string) => ({ kind: 'sqlite', file: join(folder, `${name}.sqlite`) }) as const;
    access = await Access.open(file('access'), { mode: 'development', defaultRegion: 'SA' }, clock);
    officer = (await access.keys.create({ name: 'Huda', roles: ['officer'] }, BY)).key;
    principal = ((await access.keys.authenticate(officer)) as { principal: string }).principal;
    admin = (await access.keys.create({ name: 'Root', roles: ['admin'] }, BY)).key;
    createKeyring(join(folder, 'keyring.json'), '2026-07-01T00:00:00.000Z');
    vault = await Vault.open(file('vault'), readKeyring(join(folder, 'keyring.json')), clock, 'SA', 1_000);
    readModels = await ReadModels.open(file('read-models'), clock);
    looks = [];
    drained = 0;
    const execute = ({ consultation }: RecordConsultation): Promise<object> => {
      looks.push(consultation);
      return Promise.resolve({});
    };
    covered = false;
    asked = [];
    const ask = (wanted: Wanted): Promise<Confirmation> => {
      asked.push(wanted);
      return Promise.resolve({ confirmationId: NOBODY } as Confirmation);
    };
    const separating = new Separating(vault, { ask }, { covers: () => Promise.resolve(covered) });
    const drain = (): Promise<number> => Promise.resolve((drained += 1));
    @Module({
      controllers: [IdentityController],
      providers: [
        { provide: ApiKeys, useValue: access.keys },
        { provide: CommandBus, useValue: { execute } },
        { provide: Vault, useValue: vault },
        { provide: ReadModels, useValue: readModels },
        { provide: Outboxes, useValue: { drain } },
        { provide: Separating, useValue: separating },
        { provide: Limits, useValue: access.limits({ unseal: 1, breakGlass: 1, lookup: 5 }) },
        { provide: APP_GUARD, useClass: AccessGuard },
        { provide: APP_PIPE, useValue: validation },
        { provide: APP_FILTER, useValue: new ProblemFilter(createLogger('silent')) },
      ],
    })
    class Server {}
    const made = await Test.createTestingModule({ imports: [Server] }).compile();
    app = made.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
  });
  afterEach(async () => {
    await app.close();
    await readModels.close();
    await vault.close();
    await access.close();
  });

  async function ask(method: string, path: string, body?: object, key = officer, reason?: string) {
    const answer = await fetch(`${await app.getUrl()}/v1/${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(reason === undefined ? {} : { 'sijill-reason': reason }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return { status: answer.status, body: (await answer.json()) as Record<string, unknown> };
  }
  const post = (path: string, body: object) => ask('POST', path, body);
  const get = (path: string, reason: string) => ask('GET', path, undefined, officer, reason);

  /** An event of the shop: `phone:+9665…`, `account:1`. */
  async function tell(names: string, at = NOW): Promise<string> {
    const identifiers = names.split(' ').map((name) => {
      const [scheme, value] = name.split(':') as [string, string];
      return { scheme, realm: scheme === 'account' ? 'default' : null, value, verified: true };
    });
    const [resolved] = await vault.directory.resolve([{ identifiers, at, speaker: shop, entryId: NOBODY }]);
    return resolved!.subjectId;
  }

  async function activityOf(subjectId: string, occurredAt: string, position: number): Promise<void> {
    await readModels.sql.writer
      .insertInto('activity')
      .values({
        position,
        entry_id: `entry-${position}`,
        subject_id: subjectId,
        type: 'sijill.data.used.v1',
        occurred_at: occurredAt,
        recorded_at: occurredAt,
        standing: 'first',
        categories: '||',
        body: '{}',
      } as never)
      .execute();
  }

  it('are an officer’s, and are asked with a reason', async () => {
    const body = { identifier: { scheme: 'phone', value: '0500000001' }, reason: 'a call' };
    expect((await ask('POST', 'subjects/lookup', body, admin)).status).toBe(403);
    expect((await ask('GET', 'identity/conflicts', undefined, admin, 'to see')).status).toBe(403);
    expect((await ask('GET', 'identity/conflicts')).status).toBe(400);
    expect((await ask('GET', `subjects/${NOBODY}/identifiers`)).status).toBe(400);
    expect((await post('subjects/lookup', { ...body, reason: ' ' })).status).toBe(400);
    expect((await post('identity/links', { subjectIds: [NOBODY, NOBODY], reason: 'same' })).status).toBe(400);
    expect((await post('identity/separations', { subjectIds: [NOBODY], reason: 'one' })).status).toBe(400);
    expect(looks).toEqual([]);
  });

  it('find whom an identifier leads to, now and at a time, and record each look', async () => {
    const june = await tell('phone:+966500000001', Date.parse('2026-06-10'));
    const lookUp = (more: object) =>
      post('subjects/lookup', { identifier: { scheme: 'phone', value: '0500000001' }, reason: ' a call ', ...more });
    expect(await lookUp({})).toEqual({
      status: 200,
      body: { subjectId: june, linked: [], openConflicts: 0, until: null, shared: [] },
    });
    await vault.directory.releaseFor(june, { scheme: 'phone', realm: null, value: '+966500000001' }, NOW - 1);
    expect((await lookUp({})).status).toBe(404);
    expect(await lookUp({ at: '2026-06-01' })).toMatchObject({
      body: { subjectId: june, until: '2026-08-01T11:59:59.999Z' },
    });
    expect((await lookUp({ at: '2026-06-31' })).status).toBe(400);
    expect(looks.map(({ what, subjectId, found, reason }) => [what, subjectId, found, reason])).toEqual([
      ['subject', june, true, 'a call'],
      ['subject', null, false, 'a call'],
      ['subject', june, true, 'a call'],
    ]);
  });

  it('show the identifiers of a person, of linked subjects too', async () => {
    const layla = await tell('account:1');
    const byPhone = await tell('phone:+966500000001');
    await vault.directory.link([layla, byPhone], { override: false, reason: 'x', principal: 'p' });
    const { status, body } = await get(`subjects/${layla}/identifiers`, 'a request');
    expect(status).toBe(200);
    expect(body).toMatchObject({
      items: [
        { subjectId: layla, scheme: 'account', realm: 'default', value: '1', producer: 'shop', shared: false },
        { subjectId: byPhone, scheme: 'phone', realm: null, value: '+966500000001', since: null, until: null },
      ],
      asOf: { position: 0 },
    });
    expect((await get(`subjects/${NOBODY}/identifiers`, 'a request')).status).toBe(404);
    expect(looks.map(({ what, subjectId }) => [what, subjectId])).toEqual([
      ['identifiers', layla],
      ['identifiers', null],
    ]);
  });

  it('release an identifier, and count what is behind it', async () => {
    const layla = await tell('phone:+966500000001 account:1');
    const omar = await tell('account:2');
    for (const [i, at] of ['2026-06-30', '2026-07-01', '2026-07-20'].entries())
      await activityOf(layla, `${at}T00:00:00.000Z`, i + 1);
    const release = (subjectId: string, more: object = {}) =>
      post(`subjects/${subjectId}/identifiers/release`, {
        identifier: { scheme: 'phone', value: '+966500000001' },
        reason: 'given back',
        ...more,
      });
    expect((await release(omar)).status).toBe(404);
    expect(await release(layla, { at: '2026-07-01' })).toEqual({ status: 200, body: { entriesBehind: 2 } });
    expect((await release(layla)).status).toBe(404);
    const next = await tell('phone:+966500000001');
    expect(next).not.toBe(layla);
    expect(await release(next, { at: '2026-07-01' })).toMatchObject({ status: 409, body: { code: 'already' } });
    expect(looks.map(({ what, subjectId, found }) => [what, subjectId, found])).toEqual([
      ['release', omar, false],
      ['release', layla, true],
      ['release', layla, false],
      ['release', next, true],
    ]);
  });

  it('list conflicts page by page, and by what has become of them', async () => {
    const subjects = [await tell('account:0 phone:+966500000001')];
    for (const name of ['1', '2', '3']) subjects.push(await tell(`account:${name} phone:+966500000001`));
    await vault.directory.separate([subjects[0]!, subjects[2]!], { reason: 'x', principal: 'p' });
    const first = await get('identity/conflicts?status=open&limit=1', 'the work of the week');
    expect(first).toMatchObject({
      status: 200,
      body: {
        items: [{ status: 'open', schemes: ['account', 'phone'], subjectIds: [subjects[0]!, subjects[3]!].sort() }],
        asOf: { position: 0 },
      },
    });
    const second = await get(`identity/conflicts?status=open&limit=1&cursor=${String(first.body['next'])}`, 'more');
    expect(second.body).toMatchObject({ items: [{ subjectIds: [subjects[0]!, subjects[1]!].sort() }], next: null });
    expect((await get('identity/conflicts?status=apart', 'more')).body['items']).toHaveLength(1);
    expect((await get('identity/conflicts?cursor=bm9uZQ', 'more')).status).toBe(400);
    expect(looks.map(({ what, subjectId, found }) => [what, subjectId, found])).toEqual(
      Array.from({ length: 3 }, () => ['conflicts', null, true]),
    );
  });

  it('link and separate, as the officer who asks, and say why they do not', async () => {
    const [a, b, c] = [await tell('account:1'), await tell('phone:+966500000001'), await tell('email:a@example.com')];
    const link = (subjectIds: string[], more: object = {}) =>
      post('identity/links', { subjectIds, reason: 'at the counter', ...more });
    const separate = (subjectIds: string[]) => post('identity/separations', { subjectIds, reason: 'a mistake' });

    const linked = await link([a.toUpperCase(), b, c]);
    expect(linked).toMatchObject({ status: 201, body: { subjectIds: [a, b, c] } });
    const entries = (await vault.outbox.pending(0, 10)).map(({ entry }) => JSON.parse(entry) as { id: string });
    expect(linked.body['entryIds']).toEqual(entries.map(({ id }) => id));
    expect(entries[0]).toMatchObject({ metadata: { principal }, data: { because: 'officer' } });
    expect(drained).toBe(1);

    expect(await link([a, b])).toMatchObject({ status: 409, body: { code: 'already' } });
    expect(await separate([b, c])).toMatchObject({ status: 409, body: { code: 'linked_through', through: [a] } });
    expect((await separate([a, b])).status).toBe(201);
    expect(await link([b, c])).toMatchObject({ status: 409, body: { code: 'kept_apart' } });
    expect((await link([b, c], { override: true })).status).toBe(201);
    expect(await link([a, await tell('account:2')])).toMatchObject({
      status: 409,
      body: { code: 'contradicting_identifiers' },
    });
    expect((await separate([a, NOBODY])).status).toBe(404);
    // Refusals tell of people too; what was decided is an entry by itself.
    expect(looks).toHaveLength(10);
    expect(looks.slice(0, 3).map(({ what, subjectId, found }) => [what, subjectId, found])).toEqual([
      ['link', a, false],
      ['link', b, false],
      ['separation', b, false],
    ]);
    expect(looks.slice(-2).map(({ subjectId }) => subjectId)).toEqual([a, null]);
  });

  it('put a separation that needs a second person before one, and refuse at once what cannot be', async () => {
    const [a, b, c] = [await tell('account:1'), await tell('phone:+966500000001'), await tell('email:a@example.com')];
    await post('identity/links', { subjectIds: [a, b, c], reason: 'at the counter' });
    covered = true;
    const before = (await vault.outbox.pending(0, 100)).length;
    const answer = await post('identity/separations', { subjectIds: [a, b], reason: ' a mistake ' });
    expect(answer).toEqual({ status: 202, body: { confirmationId: NOBODY } });
    expect(asked).toMatchObject([{ what: 'separation', about: { subjectIds: [a, b] }, reason: 'a mistake' }]);
    expect(await post('identity/separations', { subjectIds: [b, c], reason: 'x' })).toMatchObject({
      status: 409,
      body: { code: 'linked_through' },
    });
    expect(asked).toHaveLength(1);
    expect((await vault.outbox.pending(0, 100)).length).toBe(before);
    expect((await vault.directory.person(a))!.linked).toHaveLength(2);
  });

  it('look people up so often in an hour for one principal, and no oftener', async () => {
    const body = { identifier: { scheme: 'phone', value: '0500000001' }, reason: 'a call' };
    const second = (await access.keys.create({ name: 'Huda', roles: ['officer'] }, BY)).key;
    const statuses = [];
    for (const key of [officer, second, officer, second, officer, second])
      statuses.push((await ask('POST', 'subjects/lookup', body, key)).status);
    expect(statuses).toEqual([404, 404, 404, 404, 404, 429]);
    expect((await get(`subjects/${NOBODY}/identifiers`, 'a list')).status).toBe(429);
    expect(await post(`subjects/${NOBODY}/identifiers/release`, body)).toMatchObject({
      status: 429,
      body: { type: 'urn:sijill:problem:too-many-requests' },
    });
    expect(looks).toHaveLength(5);
    const other = (await access.keys.create({ name: 'Noura', roles: ['officer'] }, BY)).key;
    expect((await ask('POST', 'subjects/lookup', body, other)).status).toBe(404);
  });

  it('answer though the store is away: what was decided waits in the vault', async () => {
    const [a, b] = [await tell('account:1'), await tell('phone:+966500000001')];
    Object.assign(app.get(Outboxes), { drain: () => Promise.reject(new Error(`away, ${(drained += 1)}`)) });
    const answer = await post('identity/links', { subjectIds: [a, b], reason: 'at the counter' });
    expect(answer.status).toBe(201);
    expect(drained).toBe(1);
  });
});

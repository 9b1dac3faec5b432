import 'reflect-metadata';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Module } from '@nestjs/common';
import { APP_FILTER, APP_GUARD, APP_PIPE } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { Access, ApiKeys, Producers, type Seals } from '@sijill/access';
import { createLogger } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { AccessGuard } from '../access/access.guard.js';
import { ProblemFilter } from '../http/problem.filter.js';
import { validation } from '../http/validation.js';
import { ProducersController } from './producers.controller.js';

const BY = { name: 'command line', principal: 'command-line' };
const AS_OF = { position: 41, time: '2026-07-01T12:00:00.000Z' };

interface Answer {
  readonly status: number;
  readonly position: string | null;
  readonly body: Record<string, unknown>;
}

describe('the routes of producers', () => {
  let access: Access;
  let app: NestFastifyApplication;
  let admin = '';
  const sealed: unknown[] = [];

  beforeAll(async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'sijill-producers-')), 'access.sqlite');
    const clock = { now: () => Date.parse('2026-07-01T12:00:00.000Z') };
    const seals: Seals = {
      for: (_, parts) => {
        sealed.push(parts);
        return Promise.resolve({ open: {}, kept: {} });
      },
    };
    access = await Access.open({ kind: 'sqlite', file }, { mode: 'production', defaultRegion: 'SA' }, clock, seals);
    admin = (await access.keys.create({ name: 'Huda', roles: ['admin'] }, BY)).key;
    @Module({
      controllers: [ProducersController],
      providers: [
        { provide: ApiKeys, useValue: access.keys },
        { provide: Producers, useValue: access.producers },
        { provide: ReadModels, useValue: { asOf: () => Promise.resolve(AS_OF) } },
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
  afterAll(async () => {
    await app.close();
    await access.close();
  });

  async function ask(method: string, path: string, body?: unknown, key = admin): Promise<Answer> {
    const answer = await fetch(`${await app.getUrl()}/v1/producers${path}`, {
      method,
      headers: {
        authorization: `Bearer ${key}`,
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    return {
      status: answer.status,
      position: answer.headers.get('sijill-position'),
      body: (await answer.json()) as Record<string, unknown>,
    };
  }

  it('register, change, list and retire one, each with its reason and whoever did it', async () => {
    const made = await ask('POST', '', { name: 'sms', sources: ['/sms/'], realm: 'sms', reason: ' new service ' });
    const item = {
      name: 'sms',
      sources: ['/sms/'],
      realm: 'sms',
      mayLink: false,
      createdAt: '2026-07-01T12:00:00.000Z',
      retiredAt: null,
    };
    expect(made).toMatchObject({ status: 201, body: item });
    const changed = await ask('PATCH', '/sms', { mayLink: true, realm: null, reason: 'it opens accounts' });
    expect(changed).toMatchObject({ status: 200, body: { ...item, mayLink: true } });
    expect(await ask('GET', '')).toEqual({
      status: 200,
      position: '41',
      body: { items: [{ ...item, mayLink: true }], asOf: AS_OF },
    });
    const retired = await ask('DELETE', '/sms', { reason: 'switched off' });
    expect(retired).toMatchObject({ status: 200, body: { retiredAt: '2026-07-01T12:00:00.000Z' } });
    expect(sealed.slice(-3)).toEqual(
      ['new service', 'it opens accounts', 'switched off'].map((reason) => ({
        staff: { actor: 'Huda' },
        ledger: { reason },
      })),
    );
  });

  it.each([
    ['POST', '', { name: 'sms' }, 400, 'reason'],
    ['POST', '', { name: 'sms', reason: ' ' }, 400, 'reason'],
    ['POST', '', { name: 'SMS', reason: 'x' }, 400, 'name'],
    ['POST', '', { name: 'web', realm: 'A', reason: 'x' }, 400, 'realm'],
    ['POST', '', { name: 'web', sources: ['/966500000042'], reason: 'x' }, 400, 'sources'],
    ['POST', '', { name: 'web', sources: '/web', reason: 'x' }, 400, 'sources'],
    ['POST', '', { name: 'web', mayLink: 'yes', reason: 'x' }, 400, 'mayLink'],
    ['POST', '', { name: 'web', owner: 'x', reason: 'x' }, 400, 'owner'],
    ['PATCH', '/web', { name: 'web2', reason: 'x' }, 400, 'name'],
    ['DELETE', '/web', {}, 400, 'reason'],
  ])('refuse %s %s %j with %i', async (method, path, body, status, fault) => {
    const answer = await ask(method, path, body);
    expect(answer).toMatchObject({ status, body: { errors: [expect.objectContaining({ path: fault })] } });
  });

  it('know no producer that is not registered, and change none that was retired', async () => {
    await access.producers.add('old', {}, BY);
    await access.producers.retire('old', BY);
    expect((await ask('PATCH', '/never', { mayLink: true, reason: 'x' })).status).toBe(404);
    expect((await ask('DELETE', '/never', { reason: 'x' })).status).toBe(404);
    for (const refused of [
      await ask('PATCH', '/old', { mayLink: true, reason: 'x' }),
      await ask('DELETE', '/old', { reason: 'x' }),
      await ask('POST', '', { name: 'old', reason: 'x' }),
    ])
      expect(refused.status).toBe(409);
  });

  it('are an admin’s alone', async () => {
    const { key } = await access.keys.create({ name: 'desk', roles: ['officer', 'regulator'] }, BY);
    const asked = [
      await ask('GET', '', undefined, key),
      await ask('POST', '', { name: 'mine', reason: 'x' }, key),
      await ask('PATCH', '/mine', { reason: 'x' }, key),
      await ask('DELETE', '/mine', { reason: 'x' }, key),
    ];
    expect(asked.map(({ status }) => status)).toEqual([403, 403, 403, 403]);
    expect(await access.producers.speakerOf('mine')).toBeNull();
  });
});

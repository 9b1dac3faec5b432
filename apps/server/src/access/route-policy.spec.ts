import 'reflect-metadata';
import { Controller, Get, Module, type Type } from '@nestjs/common';
import { APP_GUARD, DiscoveryModule, DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { Test } from '@nestjs/testing';
import { ApiKeys, type Caller } from '@sijill/access';
import { AccessGuard } from './access.guard.js';
import { Allow, assertEveryRouteHasPolicy, Public, RouteWithoutPolicy } from './route-policy.js';

@Controller('open')
@Public()
class OpenController {
  @Get()
  read(): string {
    return 'open';
  }
  @Get('desk')
  @Allow('officer')
  desk(): string {
    return 'desk';
  }
}

@Controller('forgotten')
class ForgottenController {
  @Get()
  read(): string {
    return 'secret';
  }
  notARoute(): void {}
}

const officer: Caller = {
  keyId: 'k1',
  name: 'desk',
  principal: 'p1',
  roles: ['officer'],
  producer: null,
  recipient: null,
};

async function serverOf(...controllers: Type[]): Promise<NestFastifyApplication> {
  const keys = {
    authenticate: (key: string) => Promise.resolve(key === 'good' ? officer : { refused: 'this key was revoked' }),
  };
  @Module({
    imports: [DiscoveryModule],
    controllers,
    providers: [
      { provide: ApiKeys, useValue: keys },
      { provide: APP_GUARD, useClass: AccessGuard },
    ],
  })
  class Server {}
  const made = await Test.createTestingModule({ imports: [Server] }).compile();
  const app = made.createNestApplication<NestFastifyApplication>(new FastifyAdapter(), { logger: false });
  await app.listen(0, '127.0.0.1');
  return app;
}

async function statusOf(app: NestFastifyApplication, path: string, key?: string): Promise<number> {
  const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return (await fetch((await app.getUrl()) + path, { headers })).status;
}

const check = (app: NestFastifyApplication): void =>
  assertEveryRouteHasPolicy(app.get(DiscoveryService), new MetadataScanner(), app.get(Reflector));

describe('a route without a policy', () => {
  it('keeps the server from starting, named; other methods need none', async () => {
    const app = await serverOf(OpenController, ForgottenController);
    expect(() => check(app)).toThrow(RouteWithoutPolicy);
    expect(() => check(app)).toThrow(/: ForgottenController\.read$/);
    await app.close();
  });

  it('lets nobody in even where the check was forgotten', async () => {
    const app = await serverOf(ForgottenController);
    const status = (key?: string): Promise<number> => statusOf(app, '/forgotten', key);
    expect([await status(), await status('bad'), await status('good')]).toEqual([401, 401, 403]);
    await app.close();
  });

  it('tells whoever shows a key that is not accepted why', async () => {
    const app = await serverOf(OpenController);
    const answer = await fetch(`${await app.getUrl()}/open/desk`, { headers: { authorization: 'Bearer old' } });
    expect(await answer.json()).toMatchObject({ statusCode: 401, message: 'this key was revoked' });
    await app.close();
  });

  it('is none of those that have one: a method’s own goes before its class’s', async () => {
    const app = await serverOf(OpenController);
    expect(() => check(app)).not.toThrow();
    expect(await statusOf(app, '/open')).toBe(200);
    expect(await statusOf(app, '/open/desk')).toBe(401);
    expect(await statusOf(app, '/open/desk', 'good')).toBe(200);
    await app.close();
  });
});

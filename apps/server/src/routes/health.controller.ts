import { Controller, Get, Header, Inject, Res } from '@nestjs/common';
import { ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { EVENT_STORE, type EventStore } from '@sijill/event-store';
import type { NotaryState } from '@sijill/notary';
import { Metrics } from '@sijill/platform';
import { ReadModels } from '@sijill/read-models';
import { Vault } from '@sijill/vault';
import { Public } from '../access/route-policy.js';
import { ClockNote } from '../clock-note.js';
import { DependencyCheck, type Check } from '../health-check.js';
import { RUNNING_ROLES, type RolesHealth, type RunningRoles } from '../running-roles.js';

const NOTARY: Readonly<Record<NotaryState, Check['status']>> = {
  starting: 'starting',
  running: 'up',
  'standing by': 'up',
  failing: 'down',
  refusing: 'down',
  stopped: 'down',
};

@ApiTags('operation')
@Controller('health')
export class HealthController {
  private readonly dependencies: Readonly<Record<'store' | 'database' | 'vault', DependencyCheck>>;

  constructor(
    @Inject(EVENT_STORE) store: EventStore,
    readModels: ReadModels,
    vault: Vault,
    @Inject(RUNNING_ROLES) private readonly roles: RunningRoles,
    private readonly clock: ClockNote,
  ) {
    this.dependencies = {
      store: new DependencyCheck(() => store.head()),
      database: new DependencyCheck(() => readModels.asOf()),
      vault: new DependencyCheck(() => vault.refuseOldKeyring()),
    };
  }

  @Get('live')
  @Public()
  @ApiOperation({ summary: 'The process answers, and a new one would be no better' })
  live(@Res({ passthrough: true }) reply: FastifyReply): { status: 'up' | 'down'; pid: number } {
    const dead = this.roles.health().kafka?.state === 'dead';
    void reply.status(dead ? 503 : 200);
    return { status: dead ? 'down' : 'up', pid: process.pid };
  }

  @Get('ready')
  @Public()
  @ApiOperation({ summary: 'The process can do its work: store and database answer, its roles run' })
  async ready(@Res({ passthrough: true }) reply: FastifyReply): Promise<unknown> {
    const [store, database, asked] = await Promise.all([
      this.dependencies.store.now(),
      this.dependencies.database.now(),
      this.dependencies.vault.now(),
    ]);
    const { kafka, projector, notary, subjectMap, witnesses, timeStamps, httpLane, vault, ledger, foreign } =
      this.roles.health();
    const checks: Record<string, Check> = {
      store,
      database,
      ...(httpLane === null
        ? {}
        : { httpLane: { status: httpLane.failure === null ? 'up' : 'down', detail: httpLane.failure } }),
      ...(projector === null
        ? {}
        : { projector: { status: projector.state === 'running' ? 'up' : 'down', detail: projector.detail } }),
      ...(notary === null ? {} : { notary: { status: NOTARY[notary.state], detail: notary.detail } }),
      ...(subjectMap === null
        ? {}
        : { subjectMap: { status: subjectMap.failure === null ? 'up' : 'down', detail: subjectMap.failure } }),
      ...(witnesses === null ? {} : { witnesses: cosigning(witnesses) }),
      ...(timeStamps === null ? {} : { timeStamps: stamped(timeStamps) }),
      // A broker that is away is waited for; the HTTP side of this process can serve meanwhile.
      ...(kafka === null ? {} : { kafka: { status: kafka.state === 'running' ? 'up' : 'down', detail: kafka.detail } }),
      vault:
        vault.failure === null && asked.status === 'up'
          ? { status: 'up', detail: vault.detail }
          : { status: 'down', detail: vault.failure ?? asked.detail ?? null },
      ledger: { status: ledger === null ? 'up' : 'down', detail: ledger },
      foreign: { status: foreign === null ? 'up' : 'down', detail: foreign },
    };
    // A read model that stopped alone is told about and no more: a process out of service would keep senders out, and readers of
    // the others.
    // Without a notary that signs, its map, its witnesses or its time stamps there are no new proofs, and everything else is as it was.
    const waited = new Set([
      'kafka',
      // But before it has looked, and where the store is not what was signed, nobody can say that the answers are the ledger's.
      ...(notary?.state === 'starting' || notary?.over === 'store' ? [] : ['notary']),
      'subjectMap',
      'witnesses',
      'timeStamps',
      // Whoever can write into a stream must not be able to take the server out of service.
      'foreign',
      ...(projector?.state === 'behind' ? ['projector'] : []),
    ]);
    const ready = Object.entries(checks).every(([name, check]) => waited.has(name) || check.status === 'up');
    void reply.status(ready ? 200 : 503);
    return { status: ready ? 'ready' : 'not_ready', checks, ...this.clock.now() };
  }
}

@ApiTags('operation')
@Controller('metrics')
export class MetricsController {
  constructor(private readonly metrics: Metrics) {}

  @Get()
  @Public()
  @Header('content-type', 'text/plain; version=0.0.4; charset=utf-8')
  @ApiOperation({ summary: 'Figures for Prometheus' })
  figures(): Promise<string> {
    return this.metrics.registry.metrics();
  }
}

function cosigning({ quorum, met, each }: NonNullable<RolesHealth['witnesses']>): Check & { each: unknown } {
  const silent = each.filter(({ failure }) => failure !== null);
  const why = silent.map(({ name, failure, failingSince }) => `${name} ${failure}, since ${failingSince}`).join('; ');
  const needed = `${quorum} of ${each.length} have to cosign`;
  return {
    status: met ? 'up' : 'down',
    detail: met && why === '' ? null : `${needed}; ${why || 'none was heard of yet'}`,
    each,
  };
}

function stamped({ last, failure, failingSince }: NonNullable<RolesHealth['timeStamps']>): Check & { last: unknown } {
  const detail = failure === null ? null : `the time stamp authority ${failure}, since ${failingSince}`;
  return { status: failure === null ? 'up' : 'down', detail, last };
}

import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ReadModels, type ReadModelName } from '@sijill/read-models';
import type { AuthenticatedRequest } from '../access/access.guard.js';
import { Problem } from './problem.js';
import { READS_FROM } from './reads-from.js';

const PATIENCE_MS = 10_000;

/**
 * Read your own writes, across servers: a request that carries `Sijill-Position` (as some answer gave it) is answered from a read
 * model that has reached it. Only the one that the route reads from is waited for, so that another that stands still keeps nobody
 * waiting; a route that reads from none has nothing to wait for. It runs behind the guard, so that only callers with a key can
 * make it wait.
 */
@Injectable()
export class FreshnessInterceptor implements NestInterceptor {
  constructor(
    private readonly reflector: Reflector,
    private readonly readModels: ReadModels,
  ) {}

  async intercept(context: ExecutionContext, next: CallHandler): Promise<ReturnType<CallHandler['handle']>> {
    const wanted = context.switchToHttp().getRequest<AuthenticatedRequest>().headers['sijill-position'];
    if (wanted === undefined) return next.handle();
    const position = typeof wanted === 'string' && /^\d{1,16}$/.test(wanted) ? Number(wanted) : Number.NaN;
    if (!Number.isSafeInteger(position)) {
      throw Problem.invalid([
        {
          path: 'Sijill-Position',
          code: 'bad_format',
          message: 'send the value of this header from an earlier answer',
        },
      ]);
    }
    const name = this.reflector.get<ReadModelName | undefined>(READS_FROM, context.getHandler());
    if (name === undefined) return next.handle();
    const reached = await this.readModels.waitFor(position, PATIENCE_MS, name);
    if (reached.position < position) {
      const detail = `${name} stands at position ${reached.position} and has not reached ${position} in time; ask again`;
      throw new Problem(503, 'not-fresh', 'Not fresh enough', detail, { asOf: reached }, { 'retry-after': '2' });
    }
    return next.handle();
  }
}

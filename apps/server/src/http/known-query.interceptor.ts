import { Injectable, type CallHandler, type ExecutionContext, type NestInterceptor, type Type } from '@nestjs/common';
import { ROUTE_ARGS_METADATA } from '@nestjs/common/constants.js';
import { RouteParamtypes } from '@nestjs/common/enums/route-paramtypes.enum.js';
import { getMetadataStorage } from 'class-validator';
import type { FastifyRequest } from 'fastify';
import { Problem } from './problem.js';

/**
 * Refuses query parameters that a route does not know. A misspelt filter must not be taken for none: the answer would hold more
 * than was asked for, and look right. The class that a route reads its query into says what it knows; a route without one
 * knows nothing. The keys are taken from the request itself, since class-transformer drops some names before anyone sees them.
 */
@Injectable()
export class KnownQueryInterceptor implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler): ReturnType<CallHandler['handle']> {
    const { url } = context.switchToHttp().getRequest<FastifyRequest>();
    const query = url.slice(url.indexOf('?') + 1);
    if (url.includes('?') && query !== '') {
      const known = knownParameters(context.getClass(), context.getHandler().name);
      const unknown = [...new URLSearchParams(query).keys()].filter((name) => !known.has(name));
      if (unknown.length > 0) {
        const message = known.size === 0 ? 'this route takes no query' : `known are ${[...known].sort().join(', ')}`;
        throw Problem.invalid(
          unknown.slice(0, 20).map((name) => ({ path: printable(name), code: 'unknown_field', message })),
        );
      }
    }
    return next.handle();
  }
}

/** The query parameters of a route, by the class of its `@Query()` argument. */
export function knownParameters(controller: Type, method: string): ReadonlySet<string> {
  const queryClass = queryClassOf(controller, method);
  if (queryClass === null) return new Set();
  const rules = getMetadataStorage().getTargetValidationMetadatas(queryClass, '', false, false);
  return new Set(rules.map(({ propertyName }) => propertyName));
}

/** The class that a route reads its query into, or null. */
export function queryClassOf(controller: Type, method: string): Type | null {
  const routeArguments = (Reflect.getMetadata(ROUTE_ARGS_METADATA, controller, method) ?? {}) as Record<
    string,
    { index: number }
  >;
  const query = Object.entries(routeArguments).find(([key]) => key.startsWith(`${RouteParamtypes.QUERY}:`));
  if (query === undefined) return null;
  const types = Reflect.getMetadata('design:paramtypes', controller.prototype as object, method) as Type[];
  return types[query[1].index] ?? null;
}

function printable(name: string): string {
  return /^[\w.-]{1,64}$/.test(name) ? name : '(unprintable)';
}

import { SetMetadata, type Type } from '@nestjs/common';
import { METHOD_METADATA, PATH_METADATA } from '@nestjs/common/constants.js';
import type { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';
import type { Role } from '@sijill/access';

export const ROUTE_POLICY = 'sijill:route-policy';

/** Who may call a route: holders of one of the roles, or everybody. */
export type RoutePolicy = { readonly anyOf: readonly Role[] } | 'public';

/** Only keys that hold one of these roles may call the route. */
export const Allow = (...anyOf: Role[]): MethodDecorator & ClassDecorator =>
  SetMetadata(ROUTE_POLICY, { anyOf } satisfies RoutePolicy);

/** Everybody may call the route, without a key. */
export const Public = (): MethodDecorator & ClassDecorator => SetMetadata(ROUTE_POLICY, 'public' satisfies RoutePolicy);

/** A route declares no policy: the server does not start. */
export class RouteWithoutPolicy extends Error {
  override readonly name = 'RouteWithoutPolicy';
}

/**
 * Checks that every route of every controller says who may call it.
 *
 * @throws RouteWithoutPolicy naming all that do not
 */
export function assertEveryRouteHasPolicy(
  discovery: DiscoveryService,
  scanner: MetadataScanner,
  reflector: Reflector,
): void {
  const bare: string[] = [];
  for (const { metatype, instance } of discovery.getControllers()) {
    const prototype = Object.getPrototypeOf(instance) as Record<string, () => unknown>;
    for (const name of scanner.getAllMethodNames(prototype)) {
      const handler = prototype[name]!;
      const isRoute =
        Reflect.getMetadata(METHOD_METADATA, handler) !== undefined &&
        Reflect.getMetadata(PATH_METADATA, handler) !== undefined;
      if (!isRoute) continue;
      const policy = reflector.getAllAndOverride<RoutePolicy | undefined>(ROUTE_POLICY, [handler, metatype as Type]);
      if (policy === undefined) bare.push(`${(metatype as Type).name}.${name}`);
    }
  }
  if (bare.length > 0) {
    throw new RouteWithoutPolicy(
      `these routes do not say who may call them (add @Allow(role) or @Public()): ${bare.join(', ')}`,
    );
  }
}

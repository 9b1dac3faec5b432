import {
  ForbiddenException,
  Injectable,
  UnauthorizedException,
  type CanActivate,
  type ExecutionContext,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ApiKeys, type Caller } from '@sijill/access';
import { ROUTE_POLICY, type RoutePolicy } from './route-policy.js';

/** A request that passed the guard carries its caller. */
export interface AuthenticatedRequest {
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  caller?: Caller;
}

/** Deny by default: a route without a policy lets nobody in, whatever else failed to notice it. */
@Injectable()
export class AccessGuard implements CanActivate {
  constructor(
    private readonly reflector: Reflector,
    private readonly keys: ApiKeys,
  ) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = this.reflector.getAllAndOverride<RoutePolicy | undefined>(ROUTE_POLICY, [
      context.getHandler(),
      context.getClass(),
    ]);
    if (policy === 'public') return true;
    const request = context.switchToHttp().getRequest<AuthenticatedRequest>();
    const { authorization } = request.headers;
    const bearer = typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization)?.[1] : undefined;
    if (bearer === undefined) throw new UnauthorizedException('send the header Authorization: Bearer <key>');
    const caller = await this.keys.authenticate(bearer);
    if ('refused' in caller) throw new UnauthorizedException(caller.refused);
    const allowed = policy !== undefined && policy.anyOf.some((role) => caller.roles.includes(role));
    if (!allowed)
      throw new ForbiddenException(
        policy === undefined ? 'nobody may call this' : `this needs a key with the role ${policy.anyOf.join(' or ')}`,
      );
    request.caller = caller;
    return true;
  }
}

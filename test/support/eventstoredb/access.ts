import type { Metadata, ServiceError } from '@grpc/grpc-js';
import type { EventLog } from './event-log.js';
import { code, failure } from './wire.js';

/** Somebody the server knows. Whoever is in `$admins` may do everything. */
export interface User {
  readonly name: string;
  readonly password: string;
  readonly groups?: readonly string[];
}

export type Action = '$r' | '$w' | '$d' | '$mr' | '$mw';

/** Releases whose behaviour differs where we look. */
export type Release = '22.10' | '24.10';

const ADMINS = '$admins';
const EVERYBODY = '$all';

/** Who calls, and what they may do. Without users it is an insecure server: nobody is asked, nothing is refused. */
export class Access {
  constructor(
    private readonly log: EventLog,
    private readonly users: readonly User[] | undefined,
    private readonly release: Release,
  ) {}

  /** What is wrong with the credentials of a call, if anything. */
  authenticationFailure(headers: Metadata): ServiceError | undefined {
    if (this.users === undefined || headers.get('authorization').length === 0 || this.#caller(headers))
      return undefined;
    return failure(code.UNAUTHENTICATED, 'Unauthenticated');
  }

  /** Refuses a call without the right to do this with a stream; `$$x` stands for the metadata of `x`. */
  denial(headers: Metadata, action: '$r' | '$w' | '$d', stream: string): ServiceError | undefined {
    return this.#may(headers, action, stream)
      ? undefined
      : failure(code.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
  }

  #may(headers: Metadata, action: '$r' | '$w' | '$d', stream: string): boolean {
    if (this.users === undefined) return true;
    const caller = this.#caller(headers);
    if (caller?.groups?.includes(ADMINS)) return stream !== EVERYBODY || action === '$r';
    if (caller === undefined && this.release !== '22.10') return false;
    if (stream === EVERYBODY && action !== '$r') return false;
    const metadata = stream.startsWith('$$') && action !== '$d';
    const owner = metadata ? stream.slice(2) : stream;
    const asked: Action = metadata ? (action === '$r' ? '$mr' : '$mw') : action;
    const roles = new Set([EVERYBODY, ...(caller === undefined ? [] : [caller.name, ...(caller.groups ?? [])])]);
    return this.#allowed(owner, asked).some((role) => roles.has(role));
  }

  /** The stream's own list, else the server's default for its kind, else the built-in one. */
  #allowed(stream: string, action: Action): readonly string[] {
    const isSystem = stream.startsWith('$');
    const settings = this.log.settings()[isSystem ? '$systemStreamAcl' : '$userStreamAcl'];
    return (
      listed(this.log.metadata(stream)['$acl'], action) ?? listed(settings, action) ?? [isSystem ? ADMINS : EVERYBODY]
    );
  }

  #caller(headers: Metadata): User | undefined {
    const [scheme, encoded] = String(headers.get('authorization')[0] ?? '').split(' ');
    if (scheme !== 'Basic' || encoded === undefined) return undefined;
    const credentials = Buffer.from(encoded, 'base64').toString('utf8');
    return this.users?.find(({ name, password }) => credentials === `${name}:${password}`);
  }
}

function listed(acl: unknown, action: Action): readonly string[] | undefined {
  if (typeof acl !== 'object' || acl === null) return undefined;
  const roles = (acl as Record<string, unknown>)[action];
  if (typeof roles === 'string') return [roles];
  return Array.isArray(roles) ? roles.map(String) : undefined;
}

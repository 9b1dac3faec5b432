import type { Metadata, ServiceError } from '@grpc/grpc-js';
import type { EventLog } from './event-log.js';
import type { Behaviour } from './releases.js';
import type { User, Users } from './users.js';
import { code, failure } from './wire.js';

export type Action = '$r' | '$w' | '$d' | '$mr' | '$mw';

/** Who makes a call, as they were when it began; nobody, where no credentials came. */
export type Caller = User | undefined;

const ADMINS = '$admins';
const EVERYBODY = '$all';

/** Who calls, and what they may do. Without users it is an insecure server: nobody is asked, nothing is refused. */
export class Access {
  constructor(
    private readonly log: EventLog,
    private readonly users: Users | undefined,
    private readonly behaviour: Behaviour,
  ) {}

  /** What is wrong with the credentials of a call, if anything. */
  authenticationFailure(headers: Metadata): ServiceError | undefined {
    if (this.users === undefined || headers.get('authorization').length === 0 || this.caller(headers)) return undefined;
    return failure(code.UNAUTHENTICATED, 'Unauthenticated');
  }

  /** Asked once, when a call begins: what happens to the user later does not reach it. */
  caller(headers: Metadata): Caller {
    const [scheme, encoded] = String(headers.get('authorization')[0] ?? '').split(' ');
    if (scheme !== 'Basic' || encoded === undefined) return undefined;
    return this.users?.withCredentials(Buffer.from(encoded, 'base64').toString('utf8'));
  }

  /** Refuses a caller without the right to do this with a stream, as things stand; `$$x` is the metadata of `x`. */
  denial(caller: Caller, action: '$r' | '$w' | '$d', stream: string): ServiceError | undefined {
    return this.#may(caller, action, stream)
      ? undefined
      : failure(code.PERMISSION_DENIED, 'Access Denied', { exception: 'access-denied' });
  }

  #may(caller: Caller, action: '$r' | '$w' | '$d', stream: string): boolean {
    if (this.users === undefined) return true;
    if (caller?.groups?.includes(ADMINS)) return stream !== EVERYBODY || action === '$r';
    if (caller === undefined && this.behaviour.refusesAnonymous) return false;
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
}

function listed(acl: unknown, action: Action): readonly string[] | undefined {
  if (typeof acl !== 'object' || acl === null) return undefined;
  const roles = (acl as Record<string, unknown>)[action];
  if (typeof roles === 'string') return [roles];
  return Array.isArray(roles) ? roles.map(String) : undefined;
}

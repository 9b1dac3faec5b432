import { Catch, HttpException, type ArgumentsHost, type ExceptionFilter } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import {
  LaneBusy,
  LaneClosed,
  LaneLost,
  LaneTakenOver,
  OutcomeUnknown,
  StoreFull,
  StoreNotOurs,
  StoreRefused,
  StoreUnavailable,
} from '@sijill/event-store';
import { LimitReached } from '@sijill/access';
import { ConfirmationRefused, type RefusalCode } from '@sijill/cases';
import { LaneElsewhere } from '@sijill/intake';
import { KeysNotAnnounced, SignerFailed } from '@sijill/notary';
import { DatabaseUnavailable, FileReplaced, PartBehind, PartOfAnother, type Logger } from '@sijill/platform';
import { CursorInvalid } from '@sijill/read-models';
import { ReportElsewhere, ReportSubjectErased } from '@sijill/reports';
import { KeyringUnusable, SubjectErased } from '@sijill/vault';
import { Problem, PROBLEM_TYPE, problemBody } from './problem.js';

const TITLES: Record<number, [code: string, title: string]> = {
  400: ['invalid-request', 'Invalid request'],
  401: ['unauthenticated', 'Not authenticated'],
  403: ['forbidden', 'Forbidden'],
  404: ['not-found', 'Not found'],
  405: ['method-not-allowed', 'Method not allowed'],
  408: ['request-timeout', 'Request timed out'],
  409: ['conflict', 'Conflict'],
  413: ['content-too-large', 'Content too large'],
  415: ['unsupported-media-type', 'Unsupported media type'],
  431: ['headers-too-large', 'Header fields too large'],
  503: ['unavailable', 'Service unavailable'],
};

/** What somebody wanted of a confirmation and cannot have. */
const REFUSED: Readonly<Record<Exclude<RefusalCode, 'unknown'>, readonly [status: number, title: string]>> = {
  own_request: [403, 'Your own request'],
  not_yours: [403, 'Not yours'],
  answered: [409, 'Answered before'],
  expired: [409, 'Expired'],
  asker_gone: [409, 'Nobody asks for it'],
  not_here: [409, 'Not here'],
  not_confirmed: [409, 'Not confirmed'],
  no_result: [404, 'No result'],
  not_given: [410, 'Not given'],
  fetched: [410, 'Fetched before'],
  too_late: [410, 'Too late'],
};

/** Turns every error into problem+json. This edge alone knows status codes; what is not expected is logged and not told. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  constructor(private readonly logger: Logger) {}

  catch(error: unknown, host: ArgumentsHost): void {
    const reply = host.switchToHttp().getResponse<FastifyReply>();
    const request = host.switchToHttp().getRequest<FastifyRequest>();
    if (reply.sent) return;
    const problem = problemOf(error);
    if (problem.status >= 500) {
      this.logger.error(
        { err: error, method: request.method, route: request.routeOptions?.url ?? null },
        problem.title,
      );
    }
    // The framework would hang up on a body that is too large while its sender still writes, and the sender would see a broken
    // connection in place of the answer. Kept open, what still comes is read and thrown away.
    if (problem.status === 413) reply.removeHeader('connection');
    void reply
      .status(problem.status)
      .headers(problem.headers)
      .header('content-type', PROBLEM_TYPE)
      .send(JSON.stringify(problemBody(problem)));
  }
}

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error;
  if (error instanceof CursorInvalid) {
    return Problem.invalid([
      { path: 'cursor', code: 'bad_format', message: 'take the cursor from next of the page before, unchanged' },
    ]);
  }
  if (error instanceof ConfirmationRefused) {
    if (error.code === 'unknown') return Problem.notFound(error.message);
    const [status, title] = REFUSED[error.code];
    return new Problem(status, error.code.replaceAll('_', '-'), title, error.message, { code: error.code });
  }
  if (error instanceof LimitReached) {
    const retryAfter: Record<string, string> =
      error.retryAfter === null ? {} : { 'retry-after': String(error.retryAfter) };
    return new Problem(429, 'too-many-requests', 'Too many requests', error.message, {}, retryAfter);
  }
  if (error instanceof KeysNotAnnounced)
    return Problem.unavailable('the log has announced other keys than those that this server has', 60);
  if (error instanceof SignerFailed) return Problem.unavailable('the key that signs is out of reach; try again', 5);
  if (error instanceof KeyringUnusable)
    return Problem.unavailable(
      'this server lacks a key of the keyring that the vault needs; /health/ready names it',
      60,
    );
  if (error instanceof LaneBusy) return Problem.busy();
  if (error instanceof LaneClosed) return Problem.stopping();
  if (error instanceof LaneLost)
    return Problem.unavailable(
      'the event store lacks what this server has stored in it; nothing of this was stored, /health/ready says more',
      60,
    );
  if (error instanceof LaneElsewhere || error instanceof LaneTakenOver)
    return Problem.unavailable(
      'another server takes events under this node id; nothing of this was stored, send it there',
      5,
    );
  if (error instanceof OutcomeUnknown)
    return Problem.unavailable('the store did not answer; send again under the same ids, a repeat is recognized', 5);
  if (error instanceof StoreFull)
    return Problem.unavailable('the disk of the event store is full; nothing of this was stored, reading goes on', 30);
  // They say themselves what is wrong, and hold nobody's data.
  if ([StoreNotOurs, PartOfAnother, PartBehind, FileReplaced].some((kind) => error instanceof kind))
    return Problem.unavailable(`nothing of this was stored: ${(error as Error).message}`, 60);
  if (error instanceof StoreRefused)
    return Problem.unavailable(
      `the event store refuses (${error.name}), and will until somebody has looked; this is not an empty answer`,
      60,
    );
  if (error instanceof StoreUnavailable)
    return Problem.unavailable('the event store cannot be reached or refuses; this is not an empty answer', 5);
  if (error instanceof DatabaseUnavailable || isConnectionError(error))
    return Problem.unavailable('the database cannot be reached; this is not an empty answer', 5);
  if (error instanceof ReportElsewhere)
    return new Problem(
      409,
      'elsewhere',
      'On another server',
      `ask the server with the node id ${error.node} for this file`,
    );
  if (error instanceof SubjectErased || error instanceof ReportSubjectErased)
    return new Problem(409, 'subject-erased', 'Subject erased', 'the subject was erased; nothing can be sealed for it');
  const status = statusOf(error);
  if (status !== null && status < 500) {
    const [code, title] = TITLES[status] ?? ['refused', 'Refused'];
    return new Problem(
      status,
      code,
      title,
      detailOf(error, status),
      {},
      status === 401 ? { 'www-authenticate': 'Bearer' } : {},
    );
  }
  if (status === 503) return Problem.unavailable('try again in a moment', 5);
  return new Problem(500, 'internal', 'Internal error', 'the request failed for a reason of ours; it was logged');
}

function statusOf(error: unknown): number | null {
  if (error instanceof HttpException) return error.getStatus();
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  return typeof statusCode === 'number' ? statusCode : null;
}

/** The server framework's own words for these quote what was sent: a path, a header, a piece of JSON. */
function detailOf(error: unknown, status: number): string {
  if (status === 413) return 'a body may hold 8 MiB; send the events in several requests';
  if (status === 415)
    return 'send application/cloudevents+json, application/cloudevents-batch+json, or application/json where the route asks for it';
  if (status === 404 && !(error instanceof Problem))
    return 'there is nothing at this address; /openapi.json lists what there is';
  if (status === 400) return 'the body is not valid JSON in UTF-8, or does not fit the headers';
  return error instanceof Error ? error.message : 'refused';
}

/** A connection that could not be made or broke, or a server that refuses for now: read only, out of memory or connections, out of time. */
function isConnectionError(error: unknown): boolean {
  const { code } = (error ?? {}) as { code?: unknown };
  return (
    typeof code === 'string' &&
    /^(ECONNREFUSED|ECONNRESET|ETIMEDOUT|EPIPE|57P0[123]|3D000|42P01|08\d{3}|25006|53\d{3}|57014|40001|40P01|55P03|SQLITE_(IOERR|CORRUPT|FULL|BUSY|READONLY|CANTOPEN).*)$/.test(
      code,
    )
  );
}

import type { FieldError } from '@sijill/contracts';

/** A problem details object (RFC 9457) on its way out, with what the status code is made of. */
export class Problem extends Error {
  override readonly name = 'Problem';
  constructor(
    readonly status: number,
    readonly code: string,
    readonly title: string,
    readonly detail: string,
    readonly members: Readonly<Record<string, unknown>> = {},
    readonly headers: Readonly<Record<string, string>> = {},
  ) {
    super(title);
  }

  /** Input that does not fit: each fault by its path. */
  static invalid(
    errors: readonly FieldError[],
    detail = 'the request does not fit; each fault is named in errors',
  ): Problem {
    return new Problem(400, 'invalid-request', 'Invalid request', detail, { errors });
  }

  static notFound(detail: string): Problem {
    return new Problem(404, 'not-found', 'Not found', detail);
  }

  /** What is asked for will be there in a moment. @param retryAfter in seconds */
  static notYet(detail: string, retryAfter: number): Problem {
    return new Problem(404, 'not-yet', 'Not there yet', detail, {}, { 'retry-after': String(retryAfter) });
  }

  /** @param retryAfter in seconds; when it is worth sending the request again */
  static unavailable(detail: string, retryAfter: number): Problem {
    return new Problem(503, 'unavailable', 'Service unavailable', detail, {}, { 'retry-after': String(retryAfter) });
  }

  static stopping(): Problem {
    return Problem.unavailable('the server is stopping; nothing of this was stored, send it again', 5);
  }

  /** There is more to store than is taken at once. */
  static busy(): Problem {
    return Problem.unavailable(
      'too much is waiting to be stored; nothing of this was stored, send it again in a moment',
      1,
    );
  }
}

export const PROBLEM_TYPE = 'application/problem+json; charset=utf-8';

/** The body of a problem answer. `type` is a URN of ours, stable for programs. */
export function problemBody(problem: Problem): Record<string, unknown> {
  const { code, title, status, detail, members } = problem;
  return { type: `urn:sijill:problem:${code}`, title, status, detail, ...members };
}

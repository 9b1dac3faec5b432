import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Caller } from '@sijill/access';
import type { AuthenticatedRequest } from '../access/access.guard.js';
import { headerText } from './answers.js';
import { Problem } from './problem.js';

const LONGEST_REASON = 500;

/** The header that `Reason` reads, as the OpenAPI document has it. */
export const reasonHeader = {
  name: 'Sijill-Reason',
  required: true,
  description:
    "why; it is recorded. What is not ASCII, as Arabic, is sent as UTF-8 bytes, or encoded by RFC 8187: UTF-8''%D8%B7%D9%84%D8%A8",
};

/** A text by RFC 8187, section 3.2.1, with a language or without. */
const ENCODED = /^utf-8'[A-Za-z0-9-]*'(?<text>(?:[A-Za-z0-9!#$&+.^_`|~-]|%[0-9A-Fa-f]{2})*)$/i;

/** The reason as it was meant; undefined where there is none. @throws Problem 400 it is encoded, and not in UTF-8 */
function reasonIn(context: ExecutionContext): string | undefined {
  const header = headerText(context.switchToHttp().getRequest<AuthenticatedRequest>().headers['sijill-reason']);
  const encoded = ENCODED.exec(header ?? '')?.groups?.['text'];
  if (encoded === undefined) return header;
  try {
    return decodeURIComponent(encoded).trim();
  } catch {
    throw Problem.invalid([{ path: 'Sijill-Reason', code: 'bad_format', message: 'is encoded, and not in UTF-8' }]);
  }
}

/** The stated reason of a read, from the header Sijill-Reason; a read without one is refused. */
export const Reason = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const reason = reasonIn(context);
  if (reason === undefined || reason === '') {
    throw Problem.invalid(
      [
        {
          path: 'Sijill-Reason',
          code: 'required',
          message: 'say in this header why you read about this person; it is recorded',
        },
      ],
      'a reason is required to read about a person',
    );
  }
  if (reason.length > LONGEST_REASON) {
    throw Problem.invalid([
      { path: 'Sijill-Reason', code: 'too_long', message: `at most ${LONGEST_REASON} characters` },
    ]);
  }
  return reason;
});

/** The reason where it is welcome and not required. */
export const OptionalReason = createParamDecorator((_: unknown, context: ExecutionContext): string | null => {
  const reason = reasonIn(context);
  return reason === undefined || reason === '' ? null : [...reason].slice(0, LONGEST_REASON).join('');
});

/** Who asks, as the guard found out. */
export const From = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (caller === undefined) throw new Error('a route with a caller must not be public');
  return caller;
});

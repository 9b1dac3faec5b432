import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import type { Caller } from '@sijill/access';
import type { AuthenticatedRequest } from '../access/access.guard.js';
import { headerText } from './answers.js';
import { Problem } from './problem.js';

const LONGEST_REASON = 500;

/** The header that `Reason` reads, as the OpenAPI document has it. */
export const reasonHeader = { name: 'Sijill-Reason', required: true, description: 'why; it is recorded' };

/** The stated reason of a read, from the header Sijill-Reason; a read without one is refused. */
export const Reason = createParamDecorator((_: unknown, context: ExecutionContext): string => {
  const reason = headerText(context.switchToHttp().getRequest<AuthenticatedRequest>().headers['sijill-reason']);
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
  const reason = headerText(context.switchToHttp().getRequest<AuthenticatedRequest>().headers['sijill-reason']);
  return reason === undefined || reason === '' ? null : [...reason].slice(0, LONGEST_REASON).join('');
});

/** Who asks, as the guard found out. */
export const From = createParamDecorator((_: unknown, context: ExecutionContext): Caller => {
  const { caller } = context.switchToHttp().getRequest<AuthenticatedRequest>();
  if (caller === undefined) throw new Error('a route with a caller must not be public');
  return caller;
});

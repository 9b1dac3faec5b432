import { StreamableFile } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import type { Confirmation, NotOpened, OpenedEntry } from '@sijill/cases';
import { Problem } from './problem.js';

/** What was opened, on its way out; or why nothing was. @throws Problem */
export function openedAnswer(opened: OpenedEntry | Buffer | NotOpened): OpenedEntry | StreamableFile {
  if (typeof opened === 'string') throw notOpened(opened);
  return Buffer.isBuffer(opened)
    ? new StreamableFile(opened, { type: 'application/octet-stream', length: opened.length })
    : opened;
}

/** That somebody else has to confirm it, and where to look for that. */
export function askedAnswer({ confirmationId }: Confirmation, reply: FastifyReply): { confirmationId: string } {
  void reply.status(202).header('location', `/v1/confirmations/${confirmationId}`);
  return { confirmationId };
}

export function notOpened(why: NotOpened): Problem {
  switch (why) {
    case 'unknown':
      return Problem.notFound('the ledger knows no entry of that id');
    case 'destroyed':
      return new Problem(
        410,
        'destroyed',
        'Destroyed',
        'the keys of all that was sealed in this entry were destroyed; nothing of it can be opened any more',
      );
    case 'cut':
      return new Problem(
        409,
        'record-cut',
        'Record cut',
        'a crash came in the middle of this record, and of it this entry has the beginning only; the record is in the lane again, whole, behind it',
        { reason: { code: 'record_cut', message: 'the whole record is in the lane behind this entry' } },
      );
    default:
      return why satisfies never;
  }
}

import type { PipeTransform } from '@nestjs/common';
import { Problem } from '../http/problem.js';

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/** An id that cannot exist is simply not found: nobody needs to know its form to be told the truth. */
function idOf(what: string): PipeTransform<string, string> {
  return {
    transform: (id) => {
      if (!UUID.test(id)) throw Problem.notFound(`the ledger knows no ${what} of that id`);
      return id.toLowerCase();
    },
  };
}

export const subjectIdPipe = idOf('subject');
export const entryIdPipe = idOf('entry');
export const confirmationIdPipe = idOf('confirmation');
export const reportIdPipe = idOf('report');

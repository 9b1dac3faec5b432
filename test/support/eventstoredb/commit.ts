import type { Metadata, ServiceError } from '@grpc/grpc-js';
import type { Access } from './access.js';
import type { CallBook } from './call-book.js';
import type { EventLog, Expected, Outcome, Proposed } from './event-log.js';
import type { FaultBoard } from './faults.js';
import { notLeader } from './leadership.js';
import type { Behaviour } from './releases.js';
import { code, failure } from './wire.js';

/** What appends need of the server they arrive at. */
export interface AppendServer {
  readonly log: EventLog;
  readonly access: Access;
  readonly faults: FaultBoard;
  readonly book: CallBook;
  readonly behaviour: Behaviour;
}

export interface Append {
  readonly stream: string;
  readonly events: readonly Proposed[];
  readonly expected: Expected;
  /** Of the call that carries it. */
  readonly headers: Metadata;
}

/** The ways in which an append can be answered, or not, by the call that carries it. */
export interface Answers {
  answer(outcome: Outcome): void;
  notReady(): void;
  again(): void;
  fail(error: ServiceError): void;
  end(): void;
}

/** Stores one append and answers it, unless another node leads or something is to go wrong. */
export function commit({ log, faults }: AppendServer, append: Append, answers: Answers): void {
  const { stream, events, expected, headers } = append;
  const elsewhere = notLeader(faults, headers, true);
  if (elsewhere !== undefined) return answers.fail(elsewhere);
  if (faults.leader !== undefined && !faults.forwards) return;
  if (faults.isCutOff) {
    faults.unreplicated += 1;
    return;
  }
  const fault = faults.next(stream);
  const store = () => log.append(stream, events, expected);
  if (fault !== undefined && 'stored' in fault && fault.stored) store();
  switch (fault?.kind) {
    case 'drop':
      return answers.fail(failure(code.UNAVAILABLE, 'the stand-in dropped the call'));
    case 'cut':
      return faults.cutConnections();
    case 'crash':
      return faults.crash();
    case 'silence':
      return;
    case 'end':
      return answers.end();
    case 'delay':
      return void setTimeout(() => answers.answer(store()), fault.ms);
    case 'late': {
      const outcome = store();
      return void setTimeout(() => answers.answer(outcome), fault.ms);
    }
    case 'not ready':
      return answers.notReady();
    case 'twice':
      answers.answer(store());
      return answers.again();
    case undefined:
      return answers.answer(store());
  }
}

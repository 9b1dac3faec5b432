import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { WrongExpectedRevision } from '../errors.js';
import type { AppendResult, ExpectedRevision } from '../event-store.port.js';
import { Appender, type Append } from './appender.js';
import { openWriting } from './schema.js';

/**
 * An append on its way to the writer's thread. The entries travel as one text, four lines each (id, type, data, metadata):
 * none of them can hold a line break, and copying one text from thread to thread costs a tenth of copying four texts an entry.
 */
export interface AppendMessage {
  readonly call: number;
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly entries: string;
}

/** What the thread is told: an append, or null to end after what was asked before. */
export type WriterMessage = AppendMessage | null;

/** What became of an append; errors do not keep their class on the way between threads. */
export type AppendOutcome = { readonly call: number } & (
  | { readonly result: AppendResult }
  | { readonly wrongRevision: number }
  | { readonly failure: { readonly name: string; readonly message: string } }
);

// One commit holds at most so much. A larger one would keep its first callers waiting for the last ones' bytes.
const COMMIT_BYTES = 4 * 1024 * 1024;

const port = parentPort as MessagePort;
const db = openWriting((workerData as { file: string }).file);
const appender = new Appender(db);

port.on('message', (first: WriterMessage) => {
  let closing = first === null;
  const waiting: AppendMessage[] = first === null ? [] : [first];
  let bytes = first === null ? 0 : first.entries.length;
  // Whatever has come in meanwhile joins the commit.
  while (bytes < COMMIT_BYTES && !closing) {
    const next = receiveMessageOnPort(port) as { message: WriterMessage } | undefined;
    if (next === undefined) break;
    if (next.message === null) closing = true;
    else {
      waiting.push(next.message);
      bytes += next.message.entries.length;
    }
  }
  if (waiting.length > 0) {
    const outcomes = appender.appendTogether(waiting.map(appendOf));
    port.postMessage(waiting.map(({ call }, i) => outcomeOf(call, outcomes[i]!)));
  }
  if (!closing) return;
  db.close();
  port.close();
});

function appendOf({ stream, expected, entries }: AppendMessage): Append {
  const lines = entries.split('\n');
  return {
    stream,
    expected,
    entries: Array.from({ length: lines.length / 4 }, (_, i) => ({
      id: lines[4 * i]!,
      type: lines[4 * i + 1]!,
      data: lines[4 * i + 2]!,
      metadata: lines[4 * i + 3]!,
    })),
  };
}

function outcomeOf(call: number, outcome: AppendResult | Error): AppendOutcome {
  if (outcome instanceof WrongExpectedRevision) return { call, wrongRevision: outcome.actual };
  if ('revision' in outcome) return { call, result: outcome };
  return { call, failure: { name: outcome.name, message: outcome.message } };
}

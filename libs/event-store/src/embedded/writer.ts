import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import {
  OutcomeUnknown,
  StoreFull,
  StoreNotOurs,
  StoreRefused,
  StoreUnavailable,
  WrongExpectedRevision,
} from '../errors.js';
import type { AppendResult, ExpectedRevision } from '../event-store.port.js';
import type { RawAppend } from '../raw-store.js';
import type { AppendOutcome, WriterMessage } from './writer-thread.js';

interface Call {
  readonly stream: string;
  readonly expected: ExpectedRevision;
  readonly resolve: (result: AppendResult) => void;
  readonly reject: (error: Error) => void;
}

const compiled = extname(fileURLToPath(import.meta.url)) === '.js';
const PROGRAM = new URL(`./writer-thread.${compiled ? 'js' : 'ts'}`, import.meta.url);
// Tests run from sources, and a thread does not inherit what reads TypeScript for its process.
const FROM_SOURCES = `import('tsx/esm/api').then(({ register }) => (register(), import('${PROGRAM.href}')))`;

/**
 * The one writing connection to a store's file, on a thread of its own, so that decoding and sealing go on while the disk
 * syncs. Appends that come while a commit is under way share the next.
 *
 * The thread is started by the first append: readers and commands that only look need none.
 */
export class Writer {
  readonly #file: string;
  readonly #calls = new Map<number, Call>();
  #thread: Worker | null = null;
  #exited: Promise<void> = Promise.resolve();
  #last = 0;
  #closing = false;

  constructor(file: string) {
    this.#file = file;
  }

  /** See the port. A thread that dies leaves its appends "outcome unknown"; the next append starts another. */
  append(stream: string, entries: readonly RawAppend[], expected: ExpectedRevision): Promise<AppendResult> {
    const thread = (this.#thread ??= this.#start());
    const call = (this.#last += 1);
    let text = '';
    for (const { id, type, data, metadata } of entries) {
      text += `${text === '' ? '' : '\n'}${id}\n${type}\n${data}\n${metadata}`;
    }
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { stream, expected, resolve, reject });
      if (this.#calls.size === 1) thread.ref();
      thread.postMessage({ call, stream, expected, entries: text } satisfies WriterMessage);
    });
  }

  /** Waits for what is under way, then lets go of the file. */
  async close(): Promise<void> {
    if (this.#thread === null) return;
    this.#closing = true;
    this.#thread.ref();
    this.#thread.postMessage(null satisfies WriterMessage);
    await this.#exited;
  }

  #start(): Worker {
    const thread = new Worker(compiled ? PROGRAM : FROM_SOURCES, {
      eval: !compiled,
      workerData: { file: this.#file },
      // What it handles is short-lived and bounded by one commit; left alone, the heap of a thread grows like that of a process.
      resourceLimits: { maxYoungGenerationSizeMb: 4, maxOldGenerationSizeMb: 64 },
    });
    let failure = 'the writer thread ended';
    thread.on('message', (outcomes: readonly AppendOutcome[]) => {
      for (const outcome of outcomes) this.#settle(outcome);
      // Between appends the thread must not keep the process from ending.
      if (this.#calls.size === 0 && !this.#closing) thread.unref();
    });
    thread.on('error', (error: Error) => (failure = `the writer thread failed: ${error.message}`));
    this.#exited = new Promise((resolve) => {
      thread.once('exit', () => {
        if (this.#thread === thread) this.#thread = null;
        const calls = [...this.#calls.values()];
        this.#calls.clear();
        for (const { reject } of calls) reject(new OutcomeUnknown(failure));
        resolve();
      });
    });
    return thread;
  }

  #settle(outcome: AppendOutcome): void {
    const call = this.#calls.get(outcome.call);
    if (call === undefined) return;
    this.#calls.delete(outcome.call);
    if ('result' in outcome) call.resolve(outcome.result);
    else if ('wrongRevision' in outcome)
      call.reject(new WrongExpectedRevision(call.stream, call.expected, outcome.wrongRevision));
    else call.reject(failureOf(outcome.failure));
  }
}

function failureOf({ name, message }: { readonly name: string; readonly message: string }): Error {
  const known = [OutcomeUnknown, StoreFull, StoreNotOurs, StoreRefused, StoreUnavailable].find(
    (kind) => kind.name === name,
  );
  // What is not one of the store's own words says nothing about what was written.
  return new (known ?? OutcomeUnknown)(message);
}

import { parentPort } from 'node:worker_threads';
import { FormatInvalid } from '@sijill/transparency';
import type { HandAnswer } from './thread-hand.js';

/** A thread's side of `Hand`: does each task, and closes when it is dismissed. */
export function serveTasks<Task, Done>(work: (task: Task) => Promise<Done>, close: () => Promise<unknown>): void {
  const answer = (said: HandAnswer<Done>): void => parentPort!.postMessage(said);
  parentPort!.on('message', (task: Task | null) => {
    if (task === null) return void close().then(() => parentPort!.close());
    void work(task).then(
      (done) => answer({ done }),
      (error: unknown) => answer({ failure: String(error), damaged: error instanceof FormatInvalid }),
    );
  });
}

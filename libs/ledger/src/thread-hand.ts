import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { StoreUnavailable } from '@sijill/event-store';
import type { Config } from '@sijill/platform';
import { FormatInvalid } from '@sijill/transparency';

/** What a thread says of a task. */
export type HandAnswer<Done> = { readonly done: Done } | { readonly failure: string; readonly damaged: boolean };

// By itself a thread lets twenty times as much garbage gather: over a hundred megabytes beside a server that needs twice that.
const YOUNG_MB = 8;

/** A thread that does one task at a time, with connections of its own. See `serveTasks` for its side. */
export class Hand<Task, Done> {
  private readonly thread: Worker;
  private readonly broken: Promise<never>;

  /** @param module what the thread runs */
  constructor(module: URL, config: Config) {
    const resourceLimits = { maxYoungGenerationSizeMb: YOUNG_MB };
    this.thread = new Worker(module, { workerData: config, resourceLimits });
    this.broken = once(this.thread, 'error').then(([error]) => {
      throw new StoreUnavailable((error as Error).message, { cause: error });
    });
    this.broken.catch(() => undefined);
  }

  /** @throws StoreUnavailable | FormatInvalid */
  async do(task: Task): Promise<Done> {
    this.thread.postMessage(task);
    const [answer] = (await Promise.race([once(this.thread, 'message'), this.broken])) as [HandAnswer<Done>];
    if ('done' in answer) return answer.done;
    throw answer.damaged ? new FormatInvalid(answer.failure) : new StoreUnavailable(answer.failure);
  }

  async dismiss(): Promise<void> {
    this.thread.postMessage(null);
    await Promise.race([once(this.thread, 'exit'), this.broken]).catch(() => undefined);
  }
}

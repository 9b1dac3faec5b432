import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { RenderClosed, RenderFailed, RenderInterrupted, RenderTimedOut } from '../rendering/render-errors.js';
import type { RenderAnswer, RenderJob } from './render-child.js';

export interface RenderProcessOptions {
  /** How long one document may take, in milliseconds: 2 minutes, a hundred times what five thousand rows take. */
  readonly timeoutMs?: number;
  /** How long the process waits for another job before it goes, in milliseconds: 10 s. */
  readonly idleMs?: number;
  /** The program to run and what Node needs to run it. For tests, which run from sources. */
  readonly program?: { readonly file: string; readonly execArgv: readonly string[] };
}

const PROGRAM = { file: fileURLToPath(new URL('./render-child.js', import.meta.url)), execArgv: [] };

/**
 * Makes PDFs in a process of their own, started for the first job and gone again a while after the last.
 *
 * The compiler blocks its thread for as long as a document takes and never gives back the memory it has taken; neither may
 * happen to a server that has events to take in. The dataset travels over the channel between the two processes, through
 * memory only.
 */
export class RenderProcess {
  private child: ChildProcess | null = null;
  private last: Promise<unknown> = Promise.resolve();
  private idle: NodeJS.Timeout | null = null;
  private closed = false;

  constructor(private readonly options: RenderProcessOptions = {}) {}

  /**
   * Makes one document; jobs wait for each other.
   *
   * @throws RenderFailed      the document cannot be made from this dataset
   * @throws RenderInterrupted the process died over it twice
   * @throws RenderTimedOut    it took too long
   * @throws RenderClosed      the desk is being closed
   */
  render(job: RenderJob): Promise<Buffer> {
    const turn = this.last.then(() => this.renderNow(job));
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Ends the process; a job under way is given up. */
  async close(): Promise<void> {
    this.closed = true;
    this.end();
    await this.last;
  }

  private async renderNow(job: RenderJob): Promise<Buffer> {
    this.keepAlive();
    try {
      return await this.ask(job);
    } catch (error) {
      // Somebody killed it, or memory ran out beside another document; a second death is this document's own.
      if (error instanceof RenderInterrupted && !this.closed) return await this.ask(job);
      throw error;
    } finally {
      this.idle = setTimeout(() => this.end(), this.options.idleMs ?? 10_000);
      this.idle.unref();
    }
  }

  private ask(job: RenderJob): Promise<Buffer> {
    if (this.closed) return Promise.reject(new RenderClosed('the process is being shut down'));
    const child = (this.child ??= this.start());
    return new Promise((resolve, reject) => {
      const settle = (outcome: () => void): void => {
        clearTimeout(timer);
        child.off('message', answered);
        child.off('exit', died);
        child.off('error', died);
        outcome();
      };
      const answered = (answer: RenderAnswer): void =>
        settle(() => ('pdf' in answer ? resolve(Buffer.from(answer.pdf)) : reject(new RenderFailed(answer.failure))));
      const died = (): void =>
        settle(() => {
          if (this.child === child) this.child = null;
          reject(
            this.closed
              ? new RenderClosed('the process is being shut down')
              : new RenderInterrupted('the rendering process died over this document'),
          );
        });
      const limit = this.options.timeoutMs ?? 120_000;
      const timer = setTimeout(() => {
        this.end();
        settle(() => reject(new RenderTimedOut(`the document was not ready in ${limit} ms`)));
      }, limit);
      child.on('message', answered);
      child.on('exit', died);
      child.on('error', died);
      child.send(job);
    });
  }

  private start(): ChildProcess {
    const { file, execArgv } = this.options.program ?? PROGRAM;
    const child = fork(file, {
      execArgv: [...execArgv],
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('exit', () => {
      if (this.child === child) this.child = null;
    });
    child.on('error', () => undefined);
    return child;
  }

  private keepAlive(): void {
    if (this.idle !== null) clearTimeout(this.idle);
    this.idle = null;
  }

  private end(): void {
    this.keepAlive();
    this.child?.kill('SIGKILL');
    this.child = null;
  }
}

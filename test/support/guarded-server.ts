import { type ChildProcess, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** What to run. `uid` and `gid` matter when the tests run as root and the server refuses to. */
export interface ServerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly uid?: number;
  readonly gid?: number;
  /** Everything the server prints is appended to this file. */
  readonly log: string;
}

export interface GuardOptions {
  /** The signal on which this server shuts down in order. */
  readonly stopSignal: NodeJS.Signals;
  /** Removed once the server has stopped for good. */
  readonly directories: readonly string[];
}

type Heard =
  | { event: 'started'; pid: number }
  | { event: 'failed'; message: string }
  | { event: 'exited'; code: number | null; signal: string | null };

/**
 * A server process that ends with the process that started it.
 *
 * The guardian (server-guardian.js) is its parent; this object talks to the guardian. Neither keeps the test process
 * from exiting.
 */
export class GuardedServer {
  private readonly guardian: ChildProcess;
  private command: ServerCommand | undefined;
  private pid: number | undefined;
  private exit: string | undefined;

  constructor(options: GuardOptions) {
    this.guardian = fork(
      join(import.meta.dirname, 'server-guardian.js'),
      [options.stopSignal, ...options.directories],
      // No inherited flags: the test runner's own would only slow the guardian down.
      { execArgv: [], detached: true, stdio: 'ignore' },
    );
    this.guardian.unref();
    this.guardian.channel?.unref();
    this.guardian.on('message', (heard: Heard) => {
      if (heard.event === 'started') this.pid = heard.pid;
      else {
        this.pid = undefined;
        this.exit = heard.event === 'failed' ? heard.message : `exit code ${heard.code}, signal ${heard.signal}`;
      }
    });
  }

  /** Starts the process, without waiting for it to be ready. @throws when the command cannot be run at all. */
  async start(command: ServerCommand): Promise<void> {
    this.command = command;
    this.exit = undefined;
    this.guardian.send({ do: 'start', ...command });
    const heard = await this.next(['started', 'failed']);
    if (heard.event === 'failed') throw new Error(`${command.command}: ${heard.message}`);
  }

  /**
   * Asks `ready` again and again until it says yes.
   *
   * @throws with the end of the server's log when the process dies first or `limitMs` passes
   */
  async untilReady(ready: () => Promise<boolean>, limitMs: number): Promise<void> {
    const deadline = Date.now() + limitMs;
    for (;;) {
      if (this.exit !== undefined) throw new Error(`the server stopped: ${this.exit}\n${await this.logTail()}`);
      if (await ready().catch(() => false)) return;
      if (Date.now() > deadline) throw new Error(`not ready after ${limitMs} ms\n${await this.logTail()}`);
      await new Promise((resolve) => setTimeout(resolve, 150));
    }
  }

  /** Sends a signal to the server and waits until it has exited. Its data stays. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.pid === undefined) return;
    const exited = this.next(['exited']);
    this.guardian.send({ do: 'signal', signal });
    await exited;
  }

  /** Sends a signal that the server outlives: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void {
    this.guardian.send({ do: 'signal', signal });
  }

  /** Starts the same command again, after `kill`. */
  async restart(): Promise<void> {
    if (this.command === undefined || this.pid !== undefined) throw new Error('restart follows a start and a kill');
    await this.start(this.command);
  }

  /** Stops the server for good and removes its directories. Safe to call twice. */
  async stop(): Promise<void> {
    if (this.guardian.exitCode !== null || this.guardian.signalCode !== null) return;
    const gone = new Promise((resolve) => this.guardian.once('exit', resolve));
    this.guardian.ref();
    if (this.guardian.connected) this.guardian.send({ do: 'stop' });
    await gone;
  }

  /** The last lines the server printed. */
  async logTail(lines = 40): Promise<string> {
    if (this.command === undefined) return '';
    const text = await readFile(this.command.log, 'utf8').catch(() => '');
    return text.trimEnd().split('\n').slice(-lines).join('\n');
  }

  /** The next of these events. While somebody waits for one, the test process stays alive for it. */
  private async next(events: readonly Heard['event'][]): Promise<Heard> {
    this.guardian.channel?.ref();
    try {
      return await new Promise((resolve, reject) => {
        const lost = (): void => reject(new Error('the guardian process is gone'));
        const listen = (heard: Heard): void => {
          if (!events.includes(heard.event)) return;
          this.guardian.off('message', listen);
          this.guardian.off('exit', lost);
          resolve(heard);
        };
        this.guardian.on('message', listen);
        this.guardian.once('exit', lost);
        if (!this.guardian.connected) lost();
      });
    } finally {
      this.guardian.channel?.unref();
    }
  }
}

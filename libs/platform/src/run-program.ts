import { spawn } from 'node:child_process';

/** A program has not done what it was asked for. The message says why, to stand behind its name, and repeats nothing of what it printed. */
export class ProgramFailed extends Error {
  override readonly name = 'ProgramFailed';
  /** @param code of the system, where it could not be run */
  constructor(
    message: string,
    readonly code: string | null = null,
  ) {
    super(message);
  }
}

export interface ProgramRun {
  /** What it reads from its standard input. */
  readonly input?: string | Uint8Array;
  /** It is ended after so long, with all that it has started. */
  readonly timeLimitMs: number;
  /** More than so many bytes cannot be an answer; any number unless given. */
  readonly longest?: number;
  readonly stderr: 'inherit' | 'ignore';
}

/**
 * Runs a program of the operator's without a shell, and gives what it writes to its standard output, once it has ended with 0. It gets
 * this process's environment without the ledger's own settings, which may hold keys and passwords.
 *
 * @throws ProgramFailed
 */
export function outputOf([program, ...args]: readonly [string, ...string[]], run: ProgramRun): Promise<string> {
  const { input, timeLimitMs, longest = Number.POSITIVE_INFINITY, stderr } = run;
  return new Promise((resolve, reject) => {
    // A group of its own, so that what a script has started ends with it.
    const child = spawn(program, args, { stdio: ['pipe', 'pipe', stderr], env: environment(), detached: true });
    const end = (why: string): void => {
      if (child.pid !== undefined)
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
      child.stdout.destroy();
      reject(new ProgramFailed(why));
    };
    const timer = setTimeout(() => end(`did not answer within ${timeLimitMs} ms`), timeLimitMs);
    const parts: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (part: Buffer) => {
      parts.push(part);
      if ((length += part.length) > longest) end('answered more than an answer can be');
    });
    child.once('error', ({ code }: NodeJS.ErrnoException) => {
      clearTimeout(timer);
      reject(new ProgramFailed('cannot be run', code ?? null));
    });
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      if (code === 0) resolve(Buffer.concat(parts).toString('utf8'));
      else reject(new ProgramFailed(code === null ? `was ended by ${signal}` : `ended with ${code}`));
    });
    // One that does not read what it is given says so by its answer.
    child.stdin.on('error', () => undefined);
    child.stdin.end(input);
  });
}

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIJILL_')));
}

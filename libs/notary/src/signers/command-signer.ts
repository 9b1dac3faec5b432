import { spawn } from 'node:child_process';
import type { KeptOutside } from './outside-signer.js';
import { SignerFailed } from './signer-failed.js';

const LONGEST_ANSWER = 4096;

/**
 * A program that keeps a key. It is run without a shell, once for each thing that is asked, with one word more: `public-key`, or
 * `sign`, which has the message on standard input. It answers on standard output, in base64, and ends with 0. What else it prints is
 * thrown away. It does not get this process's own settings, which may hold passwords.
 *
 * @param timeLimitMs it is ended after so long, with all that it has started
 */
export function commandSigner([program, ...args]: readonly [string, ...string[]], timeLimitMs: number): KeptOutside {
  const ask = (word: string, message?: Uint8Array): Promise<string> =>
    new Promise((resolve, reject) => {
      const failed = (why: string): void => reject(new SignerFailed(`the signer ${program} ${why}`));
      const child = spawn(program, [...args, word], {
        stdio: ['pipe', 'pipe', 'ignore'],
        env: environment(),
        // A group of its own, so that what a script has started ends with it.
        detached: true,
      });
      const end = (): void => {
        if (child.pid === undefined) return;
        try {
          process.kill(-child.pid, 'SIGKILL');
        } catch {
          // It has ended by itself.
        }
        child.stdout.destroy();
      };
      const timer = setTimeout(() => {
        end();
        failed(`did not answer within ${timeLimitMs} ms`);
      }, timeLimitMs);
      let answer = '';
      child.stdout.on('data', (chunk: Buffer) => {
        answer += chunk.toString('latin1');
        if (answer.length <= LONGEST_ANSWER) return;
        end();
        failed('answered more than an answer can be');
      });
      child.once('error', (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        failed(`cannot be run (${error.code ?? 'unknown'})`);
      });
      child.once('close', (code, signal) => {
        clearTimeout(timer);
        if (code === 0) resolve(answer.trim());
        else failed(code === null ? `was ended by ${signal}` : `ended with ${code}`);
      });
      // One that does not read what it is given says so by its answer.
      child.stdin.on('error', () => undefined);
      child.stdin.end(message);
    });
  return { name: program, publicKey: () => ask('public-key'), sign: (message) => ask('sign', message) };
}

function environment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('SIJILL_')));
}

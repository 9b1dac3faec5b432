import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeWith } from '../describe-with.js';
import { ServerNotFound } from '../server-not-found.js';

const run = promisify(execFile);

export interface Openssl {
  /** Runs it to its end. @returns what it printed; rejects when it ends with anything but 0 */
  run(folder: string, ...args: string[]): Promise<string>;
}

const found = await run('openssl', ['version']).then(
  (): Openssl => ({ run: async (folder, ...args) => (await run('openssl', args, { cwd: folder })).stdout }),
  (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return new ServerNotFound('OpenSSL', ['no openssl on the PATH']);
    throw error;
  },
);

/** A describe block with OpenSSL's command line; see describeWith for what happens without. */
export const describeWithOpenssl = (name: string, tests: (openssl: Openssl) => void): void =>
  describeWith<Openssl>(name, found, tests);

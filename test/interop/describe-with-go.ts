import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { describeWith } from '../support/describe-with.js';
import { ServerNotFound } from '../support/server-not-found.js';

const run = promisify(execFile);

export interface Go {
  /** Builds the program in a folder. @param program where it is put */
  build(folder: string, program: string): Promise<void>;
}

const found = await run('go', ['version']).then(
  (): Go => ({
    build: async (folder, program) => {
      await run('go', ['build', '-o', program, '.'], { cwd: folder });
    },
  }),
  (error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return new ServerNotFound('Go', ['no go on the PATH']);
    throw error;
  },
);

/** A describe block with Go, whose client fetches the modules that a program needs; skipped, and said so, where Go is missing. */
export const describeWithGo = (name: string, tests: (go: Go) => void): void =>
  describeWith<Go>(name, found, tests, { neededInCi: false });

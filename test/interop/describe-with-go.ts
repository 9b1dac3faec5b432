import { execFile } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from '../support/describe-with.js';
import { ServerNotFound } from '../support/server-not-found.js';

export interface GoReaders {
  /** What the program under `go/` says of a folder with a copy of a log. */
  read(folder: string): Promise<{ ok: boolean; reason?: string; checked?: Record<string, number> }>;
}

const SOURCES = join(import.meta.dirname, 'go');
const found = await build();

async function build(): Promise<GoReaders | ServerNotFound> {
  const run = promisify(execFile);
  try {
    await run('go', ['version']);
  } catch {
    return new ServerNotFound('Go', ['there is no go on the path']);
  }
  const program = join(mkdtempSync(join(tmpdir(), 'go-readers-')), 'readers');
  try {
    await run('go', ['build', '-o', program, '.'], { cwd: SOURCES, timeout: 180_000 });
  } catch (error) {
    return new ServerNotFound('Go', [`the program does not build: ${(error as Error).message.split('\n').at(1)}`]);
  }
  return {
    read: async (folder) => {
      const { stdout } = await run(program, [folder]).catch((error: unknown) => error as { stdout: string });
      return JSON.parse(stdout) as Awaited<ReturnType<GoReaders['read']>>;
    },
  };
}

/** A describe block with the libraries that Go's world reads logs with; skipped, and said so, where Go is missing. */
export const describeWithGo = (name: string, tests: (go: GoReaders) => void): void =>
  describeWith<GoReaders>(name, found, tests, { neededInCi: false });

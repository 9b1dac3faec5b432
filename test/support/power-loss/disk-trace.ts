import { execFile, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describeWith } from '../describe-with.js';
import { ServerNotFound } from '../server-not-found.js';

/** What the disk was told, in its order: bytes written to a file, a file cut to a length, a file synced. */
export type DiskCall =
  | { readonly kind: 'written'; readonly file: 'database' | 'wal'; readonly offset: number; readonly bytes: Buffer }
  | { readonly kind: 'cut'; readonly file: 'database' | 'wal'; readonly length: number }
  | { readonly kind: 'synced'; readonly file: 'database' | 'wal' }
  | { readonly kind: 'acknowledged'; readonly position: number; readonly ids: readonly string[] };

export interface DiskTrace {
  /**
   * Runs the program beside this file that appends to an embedded store, and gives back what it told the disk.
   *
   * @param syncs `as the store asks`, or `at checkpoints only`: the same program, with the store's request for more ignored
   */
  ofAppending(
    file: string,
    options: { seed: number; commits: number; syncs: 'as the store asks' | 'at checkpoints only' },
  ): Promise<DiskCall[]>;
}

/**
 * A describe block with a view of the disk: calls of one process are noted by a library that is compiled here and laid before
 * the C library's. So syncs are seen and not assumed.
 */
export const describeWithDiskTrace = (name: string, tests: (disk: DiskTrace) => void): void =>
  describeWith<DiskTrace>(name, found, tests, { neededInCi: false });

const found = await compiled();

async function compiled(): Promise<DiskTrace | ServerNotFound> {
  if (process.platform !== 'linux') return new ServerNotFound('view of the disk', [`not made for ${process.platform}`]);
  const library = join(mkdtempSync(join(tmpdir(), 'sijill-disk-trace-')), 'disk-trace.so');
  try {
    const source = join(import.meta.dirname, 'disk-trace.c');
    await promisify(execFile)('cc', ['-shared', '-fPIC', '-O1', '-pthread', '-o', library, source]);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return new ServerNotFound('view of the disk', ['no C compiler under the name cc']);
  }
  return {
    ofAppending: async (file, { seed, commits, syncs }) => {
      const trace = `${file}-trace`;
      const child = spawn(
        process.execPath,
        [
          ...(syncs === 'at checkpoints only' ? ['--require', join(import.meta.dirname, 'sync-left-out.cjs')] : []),
          ...['--import', 'tsx', join(import.meta.dirname, 'appending.ts'), file, String(seed), String(commits)],
        ],
        {
          env: { ...process.env, LD_PRELOAD: library, DISK_TRACE_OF: file, DISK_TRACE_TO: trace },
          stdio: ['ignore', 'inherit', 'inherit'],
        },
      );
      const signal = await new Promise((resolve) => child.once('exit', (_, by) => resolve(by)));
      if (signal !== 'SIGKILL') throw new Error('the appending process ended before its time');
      return callsOf(readFileSync(trace));
    },
  };
}

const FILES = { 1: 'database', 2: 'wal' } as const;
const ACKNOWLEDGEMENTS = 3;
const HEADER_BYTES = 32;

/** The notes as disk-trace.c writes them. */
function callsOf(trace: Buffer): DiskCall[] {
  const calls: DiskCall[] = [];
  for (let at = 0; at < trace.length;) {
    const [what, which, offset, length] = [0, 8, 16, 24].map((field) => Number(trace.readBigUInt64LE(at + field)));
    const bytes = trace.subarray(at + HEADER_BYTES, at + HEADER_BYTES + length!);
    at += HEADER_BYTES + length!;
    if (which === ACKNOWLEDGEMENTS) {
      calls.push({ kind: 'acknowledged', ...(JSON.parse(bytes.toString()) as { position: number; ids: string[] }) });
      continue;
    }
    const file = FILES[which as keyof typeof FILES];
    if (what === 1) calls.push({ kind: 'written', file, offset: offset!, bytes });
    else if (what === 2) calls.push({ kind: 'synced', file });
    else calls.push({ kind: 'cut', file, length: offset! });
  }
  return calls;
}

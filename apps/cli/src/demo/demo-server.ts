import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The demo's server did not come up, or went away. */
export class DemoServerGone extends Error {
  override readonly name = 'DemoServerGone';
}

export interface DemoServer {
  readonly url: string;
  readonly exited: Promise<number>;
  stop(): Promise<void>;
}

const PATIENCE_MS = 60_000;

/** Starts `sijill serve` as a process of its own, so that the demo measures what a user would run. */
export async function startDemoServer(dataDir: string, port: string): Promise<DemoServer> {
  const launcher = fileURLToPath(new URL('../../../../../apps/cli/bin/sijill.js', import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [launcher, 'serve'], {
    env: {
      ...process.env,
      SIJILL_DATA_DIR: dataDir,
      SIJILL_HTTP_PORT: port,
      SIJILL_LOG_LEVEL: process.env['SIJILL_LOG_LEVEL'] ?? 'error',
    },
    // With the channel the server notices when the demo is gone, however it went.
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const exited = new Promise<number>((resolve) => child.once('exit', (code) => resolve(code ?? 1)));
  const announcement = join(dataDir, 'server.json');
  const until = Date.now() + PATIENCE_MS;
  for (;;) {
    if (child.exitCode !== null) throw new DemoServerGone(`the server did not start (exit code ${child.exitCode})`);
    const url = announcedUrl(announcement, child.pid);
    if (url !== null) return { url, exited, stop: () => stop(child, exited) };
    if (Date.now() > until) {
      child.kill('SIGTERM');
      throw new DemoServerGone('the server was not ready within a minute');
    }
    await pause(50);
  }
}

function announcedUrl(file: string, pid: number | undefined): string | null {
  if (!existsSync(file)) return null;
  const { url, pid: announced } = JSON.parse(readFileSync(file, 'utf8')) as { url: string; pid: number };
  return announced === pid ? url : null;
}

async function stop(child: ChildProcess, exited: Promise<number>): Promise<void> {
  child.kill('SIGTERM');
  await exited;
}

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isProcessAlive } from '@sijill/platform';

/** How a running server can be found from its data directory. */
export interface ServerAnnouncement {
  readonly url: string;
  readonly pid: number;
  readonly startedAt: string;
  readonly version: string;
}

/** A server runs on this data directory already. */
export class AlreadyRunning extends Error {
  override readonly name = 'AlreadyRunning';
}

const fileIn = (dataDir: string): string => join(dataDir, 'server.json');

/** Written beside and renamed: whoever waits for the file reads it whole. */
export async function announce(dataDir: string, announcement: ServerAnnouncement): Promise<void> {
  const beside = `${fileIn(dataDir)}.${process.pid}`;
  await writeFile(beside, `${JSON.stringify(announcement, null, 2)}\n`);
  await rename(beside, fileIn(dataDir));
}

/** Takes an announcement back, if it is still that of this process. */
export async function withdraw(dataDir: string, pid: number): Promise<void> {
  const announced = await announcementIn(dataDir);
  if (announced?.pid === pid) await rm(fileIn(dataDir), { force: true });
}

async function announcementIn(dataDir: string): Promise<ServerAnnouncement | null> {
  try {
    return JSON.parse(await readFile(fileIn(dataDir), 'utf8')) as ServerAnnouncement;
  } catch {
    return null;
  }
}

/**
 * Refuses to start beside a server that runs. A file left by a killed server is no obstacle: its process is gone, or another
 * program has its number and nobody listens at its address, or somebody else does. One that takes a connection and is too slow
 * to answer runs.
 *
 * @throws AlreadyRunning
 */
export async function assertNoOtherServer(dataDir: string): Promise<void> {
  const other = await announcementIn(dataDir);
  if (other === null || !isProcessAlive(other.pid)) return;
  try {
    const answer = await fetch(`${other.url}/health/live`, { signal: AbortSignal.timeout(5_000) });
    const { pid } = (await answer.json()) as { pid?: number };
    if (pid !== other.pid) return;
  } catch (error) {
    if ((error as Error).name !== 'TimeoutError') return;
  }
  throw new AlreadyRunning(
    `a server (pid ${other.pid}) runs on ${dataDir} already, at ${other.url}. Stop it, or give this one another SIJILL_DATA_DIR`,
  );
}

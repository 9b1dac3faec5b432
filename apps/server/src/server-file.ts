import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

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

export async function withdraw(dataDir: string): Promise<void> {
  await rm(fileIn(dataDir), { force: true });
}

/**
 * Refuses to start beside a server that answers. A file left by a killed server is no obstacle: its process is gone, or another
 * program has its number, and then it does not answer as we do.
 *
 * @throws AlreadyRunning
 */
export async function assertNoOtherServer(dataDir: string): Promise<void> {
  let other: ServerAnnouncement;
  try {
    other = JSON.parse(await readFile(fileIn(dataDir), 'utf8')) as ServerAnnouncement;
  } catch {
    return;
  }
  try {
    const answer = await fetch(`${other.url}/health/live`, { signal: AbortSignal.timeout(2_000) });
    const { pid } = (await answer.json()) as { pid?: number };
    if (pid !== other.pid) return;
  } catch {
    await withdraw(dataDir);
    return;
  }
  throw new AlreadyRunning(
    `a server (pid ${other.pid}) runs on ${dataDir} already, at ${other.url}. Stop it, or give this one another SIJILL_DATA_DIR`,
  );
}

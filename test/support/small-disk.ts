import { spawnSync } from 'node:child_process';
import { ServerNotFound } from './server-not-found.js';

/**
 * Runs a TypeScript program with a disk of its own of so many MiB, mounted at a folder that only it sees, and gives back the JSON
 * that it prints. A name space of the kernel's, gone with the program.
 */
export function onSmallDisk<T>(program: string, folder: string, mebibytes: number): T {
  const mount = `mount -t tmpfs -o size=${mebibytes}m tmpfs "$1"`;
  const { status, stdout, stderr } = inNameSpace(`${mount} && exec "$2" --import tsx "$3" "$1"`, [
    folder,
    process.execPath,
    program,
  ]);
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
  return JSON.parse(stdout) as T;
}

/** Whether that can be done here: Linux, and a kernel that lets us. */
export function smallDisks(): { run: typeof onSmallDisk } | ServerNotFound {
  const { status, stderr, error } = inNameSpace('mount -t tmpfs -o size=1m tmpfs /mnt', []);
  if (status === 0) return { run: onSmallDisk };
  return new ServerNotFound('small disk', [`unshare and mount: ${error?.message ?? stderr.trim()}`]);
}

function inNameSpace(
  script: string,
  args: readonly string[],
): ReturnType<typeof spawnSync> & { stderr: string; stdout: string } {
  return spawnSync('unshare', ['-Urm', 'sh', '-c', script, 'sh', ...args], { encoding: 'utf8' });
}

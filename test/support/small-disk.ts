import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { ServerNotFound } from './server-not-found.js';

const execute = promisify(execFile);

/** Longer than that, and the program and all that it has started are ended. */
const PATIENCE_MS = 90_000;

/** Programs with a disk of their own, see `smallDisks`. */
export interface SmallDisks {
  /**
   * Runs a TypeScript program with a disk of so many MiB, mounted at a folder that only it sees, and gives back the JSON that it
   * prints. Disk and processes are gone with the program.
   */
  run<T>(program: string, folder: string, mebibytes: number): Promise<T>;
}

/** Whether that can be done here: Linux, and a kernel that lets us. */
export async function smallDisks(): Promise<SmallDisks | ServerNotFound> {
  try {
    await inNameSpace('mount -t tmpfs -o size=1m tmpfs /mnt', []);
  } catch (error) {
    return new ServerNotFound('small disk', [`unshare and mount: ${(error as Error).message.trim()}`]);
  }
  return {
    run: async <T>(program: string, folder: string, mebibytes: number) => {
      const script = `mount -t tmpfs -o size=${mebibytes}m tmpfs "$1" && exec "$2" --import tsx "$3" "$1"`;
      return JSON.parse(await inNameSpace(script, [folder, process.execPath, program])) as T;
    },
  };
}

async function inNameSpace(script: string, args: readonly string[]): Promise<string> {
  const { stdout } = await execute('unshare', ['-Urmpf', '--kill-child', 'sh', '-c', script, 'sh', ...args], {
    timeout: PATIENCE_MS,
    killSignal: 'SIGKILL',
  });
  return stdout;
}

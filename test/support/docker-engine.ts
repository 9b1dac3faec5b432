import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/**
 * Why a container engine cannot be used, or null when one answers within three seconds.
 *
 * Asked of the command line rather than of testcontainers, which takes a second to load and longer to give up.
 * `TEST_DOCKER=off` leaves an engine alone that is there.
 */
export async function noDockerEngine(): Promise<string | null> {
  if (process.env['TEST_DOCKER'] === 'off') return 'TEST_DOCKER=off';
  try {
    await promisify(execFile)('docker', ['version', '--format', '{{.Server.Version}}'], { timeout: 3_000 });
    return null;
  } catch {
    return 'no Docker engine answers';
  }
}

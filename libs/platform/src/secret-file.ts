import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, linkSync, mkdirSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

/**
 * Makes a file that its owner alone can read, and puts it on disk before it returns: written beside, synced, then linked to its name,
 * so that a crash leaves the whole file or none, and a file that is there is never replaced. Its folder is made with it.
 *
 * @returns whether it was made; not when there is a file of that name
 */
export function createSecretFile(file: string, content: string): boolean {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const beside = writeBeside(file, content);
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

/** Puts other content into such a file: a crash leaves the one or the other, whole. */
export function replaceSecretFile(file: string, content: string): void {
  renameSync(writeBeside(file, content), file);
  syncFolderOf(file);
}

/** @returns the name of the file, synced */
function writeBeside(file: string, content: string): string {
  const beside = `${file}.${randomBytes(6).toString('hex')}`;
  const descriptor = openSync(beside, 'wx', 0o600);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return beside;
}

function syncFolderOf(file: string): void {
  const directory = openSync(dirname(file), 'r');
  fsyncSync(directory);
  closeSync(directory);
}

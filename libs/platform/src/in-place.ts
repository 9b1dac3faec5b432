import { statSync } from 'node:fs';

/**
 * Whether the file that lies in a place is still the one that lies there now: what is written into one that was moved away, or removed, is
 * lost, though nothing fails.
 */
export function inPlace(file: string): () => boolean {
  const look = (): string => {
    const found = statSync(file, { throwIfNoEntry: false });
    return found === undefined ? 'none' : `${found.dev}/${found.ino}`;
  };
  const opened = look();
  return () => look() === opened;
}

/** What to say and do about one that is not. */
export function notInPlace(file: string): string {
  return `${file} was moved away or replaced while it was open; stop this process, put the right file there, and start it again`;
}

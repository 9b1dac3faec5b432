import { cpSync, mkdtempSync } from 'node:fs';

/** A copy of a stand-in's data as it is now, beside it, for another one to be started on. */
export function copyOf(dataDir: string): string {
  const copy = mkdtempSync(`${dataDir}-copy-`);
  cpSync(dataDir, copy, { recursive: true });
  return copy;
}

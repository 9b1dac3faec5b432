import { readFileSync } from 'node:fs';
import { join } from 'node:path';

interface LockedPackage {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Record<string, string>;
}

const lockfile = readFileSync(join(import.meta.dirname, '..', '..', 'package-lock.json'), 'utf8');
const packages = (JSON.parse(lockfile) as { packages: Record<string, LockedPackage> }).packages;

/** True when a package required from `from` is locked, in that package's own node_modules or in one above it. */
function isLocked(name: string, from: string): boolean {
  for (let at = from; ; at = at.slice(0, Math.max(0, at.lastIndexOf('/node_modules/')))) {
    if (packages[`${at === '' ? '' : `${at}/`}node_modules/${name}`] !== undefined) return true;
    if (at === '') return false;
  }
}

describe('package-lock.json', () => {
  // npm leaves out the binaries of platforms it could not ask about, and then `npm ci` refuses the file everywhere.
  it('locks the optional packages of every platform', () => {
    const missing = Object.entries(packages).flatMap(([from, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !isLocked(name, from)),
    );
    expect(missing).toEqual([]);
  });

  it('binds nobody to one registry', () => {
    const elsewhere = Object.values(packages).flatMap(({ resolved }) => resolved ?? []);
    expect(elsewhere.filter((url) => !url.startsWith('https://registry.npmjs.org/'))).toEqual([]);
  });
});

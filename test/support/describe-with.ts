import { ServerNotFound } from './server-not-found.js';

/**
 * A describe block that needs a server. Without one it is skipped and says so; where CI=true it fails, because a build
 * that quietly checks less is worse than a red one.
 *
 * @param found the server, or why there is none
 * @param tests gets the server; must not use it outside hooks and tests
 * @param options `neededInCi: false` for what a machine may refuse and no step of a build can install
 */
export function describeWith<Server extends object>(
  name: string,
  found: Server | ServerNotFound,
  tests: (server: Server) => void,
  { neededInCi = true }: { readonly neededInCi?: boolean } = {},
): void {
  if (!(found instanceof ServerNotFound)) {
    describe(name, () => tests(found));
    return;
  }
  if (neededInCi && process.env['CI'] === 'true') throw found;
  console.warn(`SKIPPED: ${name}: ${found.message}`);
  // The block is still read, so that each of its tests is counted and named as skipped.
  const absent = new Proxy({} as Server, {
    get: (_, member) => {
      throw new Error(`${String(member)} of a server that is not there: use it in hooks and tests only`);
    },
  });
  describe.skip(name, () => tests(absent));
}

/**
 * No way to get this server on this machine. A spec that needs it is skipped, or fails where CI=true.
 *
 * A server that is there and does not start is another matter: that is a plain error, and a failure everywhere.
 */
export class ServerNotFound extends Error {
  override readonly name = 'ServerNotFound';

  /** @param tried what was looked for, one reason each */
  constructor(
    readonly server: string,
    readonly tried: readonly string[],
  ) {
    super(`no ${server} for the tests: ${tried.join('; ')}`);
  }
}

import { OutcomeUnknown, StoreUnavailable } from '@sijill/event-store';
import { KeyFileUnusable, SignerFailed } from '@sijill/notary';
import { areTablesUnknown, DatabaseUnavailable, DatabaseUnfit } from '@sijill/platform';

/** Connections that could not be made or broke, servers that start or stop, and files that another process holds. */
const PASSING =
  /^(ECONNREFUSED|ECONNRESET|ECONNABORTED|ETIMEDOUT|EPIPE|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|57P0[123]|53300|08\w{3}|SQLITE_(BUSY|FULL|IOERR)\w*)$/;
/** What PostgreSQL's client says without a code. */
const BROKEN =
  /^(Connection terminated|Connection ended|timeout exceeded when trying to connect|Client has encountered)/;

/**
 * Whether an error says that a store, a database or what signs is away, so that waiting for it may help. A store that refuses, a file
 * that is no database, or tables of a newer release stay what they are.
 */
export function isAway(error: unknown): boolean {
  if (error instanceof StoreUnavailable || error instanceof OutcomeUnknown) return true;
  if (error instanceof SignerFailed) return !(error instanceof KeyFileUnusable);
  if (error instanceof DatabaseUnfit) return false;
  if (error instanceof DatabaseUnavailable) return !areTablesUnknown(error) && !isBadFile(error.cause);
  if (!(error instanceof Error)) return false;
  const { code } = error as { code?: unknown };
  return (typeof code === 'string' && PASSING.test(code)) || BROKEN.test(error.message);
}

function isBadFile(cause: unknown): boolean {
  const { code } = (cause ?? {}) as { code?: unknown };
  // Without a code it is the folder that is not there.
  if (cause instanceof TypeError) return true;
  return typeof code === 'string' && code.startsWith('SQLITE_') && !PASSING.test(code);
}
